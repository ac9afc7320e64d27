// What an image file says of itself before its pixels are decoded: its kind, its size, how the camera was held.

export interface ImageHeader {
  readonly kind: 'JPEG' | 'PNG';
  /** px, as stored. */
  readonly width: number;
  /** px, as stored. */
  readonly height: number;
  /** EXIF's number, 1 to 8, of how the stored picture is to be turned and mirrored; 1 is as it is. */
  readonly orientation: number;
}

/**
 * Reads the header of a JPEG or PNG file; the name of the file plays no part.
 * @throws Error, whose message goes on after the file's name, for other files and for damaged headers
 */
export function readHeader(bytes: Buffer): ImageHeader {
  const kind = kindOf(bytes);
  if (kind === 'PNG') return readPngHeader(bytes);
  if (kind === 'JPEG') return readJpegHeader(bytes);
  throw new Error(
    kind ? `is a ${kind} file; convert it to JPEG or PNG` : 'is no image file; expected a JPEG or PNG file',
  );
}

function kindOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1', 0, 16);
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'PNG';
  if (text.startsWith('\xff\xd8\xff')) return 'JPEG';
  if (text.startsWith('GIF8')) return 'GIF';
  if (text.startsWith('RIFF') && text.startsWith('WEBP', 8)) return 'WebP';
  if (text.startsWith('BM')) return 'BMP';
  if (text.startsWith('II*\0') || text.startsWith('MM\0*')) return 'TIFF';
  if (text.startsWith('ftyp', 4)) return text.startsWith('avif', 8) ? 'AVIF' : 'HEIC or video';
  return undefined;
}

/** https://www.w3.org/TR/png-3/#11IHDR */
function readPngHeader(bytes: Buffer): ImageHeader {
  if (bytes.length < 33 || bytes.toString('latin1', 12, 16) !== 'IHDR') throw damaged();
  return { kind: 'PNG', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20), orientation: 1 };
}

/** ITU-T T.81, annex B: markers, each with its length, up to the frame header (SOF), which holds the size. */
function readJpegHeader(bytes: Buffer): ImageHeader {
  let orientation = 1;
  for (let at = 2; at + 9 <= bytes.length;) {
    if (bytes[at] !== 0xff) throw damaged();
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at++; // a fill byte
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame) {
      return { kind: 'JPEG', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5), orientation };
    }
    const length = bytes.readUInt16BE(at + 2);
    const segment = bytes.subarray(at + 4, at + 2 + length);
    if (marker === 0xe1 && segment.toString('latin1', 0, 6) === 'Exif\0\0') {
      orientation = orientationIn(segment.subarray(6)) ?? orientation;
    }
    at += 2 + length;
  }
  throw damaged();
}

/** Exif 2.32: a TIFF header, then directory entries of 12 bytes; 0x0112 is the orientation. */
function orientationIn(exif: Buffer): number | undefined {
  if (exif.length < 14) return undefined;
  const isLittle = exif.toString('latin1', 0, 2) === 'II';
  const uint16 = (at: number) => (isLittle ? exif.readUInt16LE(at) : exif.readUInt16BE(at));
  const directory = isLittle ? exif.readUInt32LE(4) : exif.readUInt32BE(4);
  if (directory + 2 > exif.length) return undefined;
  for (let entry = 0; entry < uint16(directory); entry++) {
    const at = directory + 2 + 12 * entry;
    if (at + 12 > exif.length) return undefined;
    if (uint16(at) !== 0x0112) continue;
    const orientation = uint16(at + 8);
    return orientation >= 1 && orientation <= 8 ? orientation : undefined;
  }
  return undefined;
}

const damaged = (): Error => new Error('is damaged: its header ends before it says how large the picture is');
