import { PNG } from 'pngjs';

/** A picture, ready to be shown or written to a file. */
export interface Picture {
  readonly png: Uint8Array;
  /** px */
  readonly width: number;
  /** px */
  readonly height: number;
}

/** A picture as the address of an image in a page. */
export const dataUri = ({ png }: Pick<Picture, 'png'>): string =>
  `data:image/png;base64,${Buffer.from(png).toString('base64')}`;

/** A picture of pixels: `data` holds width × height times red, green, blue and opacity. */
export const encodePicture = (pixels: PNG): Picture => ({
  png: Uint8Array.from(PNG.sync.write(pixels, { deflateLevel: 9, filterType: 4 })),
  width: pixels.width,
  height: pixels.height,
});
