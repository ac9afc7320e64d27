import { dataUri, type Picture } from './picture';
import { type Figure, layout } from './theme';

/** A square picture, and the text under it. */
export interface Tile {
  readonly picture: Picture;
  /** `<br>` begins a new line. */
  readonly caption: string;
}

export interface TileOptions {
  /** Pictures in a row. */
  readonly columns: number;
  /** Shown when the pointer is over a picture, one for each. Default: nothing. */
  readonly hovers?: readonly string[];
}

const FEWEST = 5; // columns: fewer pictures stand together in the middle
const NARROW = 880; // px: the narrowest figure in which captions must not touch
const LETTER = 7.4; // px, the mean width of one at the captions' size
const FONT = 13;
const LINE = 17; // px

/**
 * Pictures in rows, with a text under each.
 * @throws RangeError when there are not as many hovers as pictures
 */
export function pictureTiles(tiles: readonly Tile[], { columns, hovers }: TileOptions): Figure {
  if (hovers && hovers.length !== tiles.length) {
    throw new RangeError(`there are ${hovers.length} hovers for ${tiles.length} pictures; expected one for each`);
  }
  const places = Math.max(columns, FEWEST);
  const captions = tiles.map(({ caption }) => wrap(caption, Math.floor(NARROW / places / LETTER)));
  const lines = Math.max(0, ...captions.map((caption) => caption.split('<br>').length));
  const side = Math.min(140, 840 / places); // px; the rest of a row is for the caption
  const rowHeight = side + 22 + LINE * lines;
  const rows = Math.ceil(tiles.length / columns);
  const x = tiles.map((_, index) => index % columns);
  const y = tiles.map((_, index) => Math.floor(index / columns));
  const images = tiles.map(({ picture }, index) => ({
    source: dataUri(picture),
    xref: 'x',
    yref: 'y',
    x: x[index],
    y: y[index],
    sizex: 0.92,
    sizey: side / rowHeight,
    xanchor: 'center',
    yanchor: 'top',
  }));
  const annotations = captions.map((text, index) => ({
    text,
    x: x[index],
    y: y[index] + side / rowHeight,
    yanchor: 'top',
    showarrow: false,
    font: { size: FONT },
  }));
  // Pictures answer no pointer: invisible points in their middles do.
  const points = hovers && {
    x,
    y: y.map((row) => row + side / rowHeight / 2),
    mode: 'markers',
    marker: { size: side, symbol: 'square', opacity: 0, color: '#888888' },
    text: hovers,
    hovertemplate: '%{text}<extra></extra>',
    hoverlabel: { align: 'left' },
  };
  const hidden = { visible: false, fixedrange: true };
  return {
    data: [{ type: 'scatter', ...(points ?? { x: [], y: [] }) }],
    layout: layout({
      height: rows * rowHeight + 10,
      margin: { l: 5, r: 5, t: 5, b: 5 },
      images,
      annotations,
      xaxis: { ...hidden, range: [(columns - places - 1) / 2, (columns + places - 1) / 2] },
      yaxis: { ...hidden, range: [rows, 0] },
      showlegend: false,
      hovermode: hovers ? 'closest' : false,
    }),
  };
}

/** Breaks lines of more than `limit` letters between words. */
function wrap(caption: string, limit: number): string {
  return caption
    .split('<br>')
    .map((line) => {
      const lines = [''];
      // A number stays with its unit.
      for (const word of line.replace(/ %/g, '\u00a0%').split(' ')) {
        const longer = lines.at(-1) ? `${lines.at(-1)} ${word}` : word;
        if (longer.length <= limit || !lines.at(-1)) lines[lines.length - 1] = longer;
        else lines.push(word);
      }
      return lines.join('<br>');
    })
    .join('<br>');
}
