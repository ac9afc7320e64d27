import { imageGrid } from './imageGrid';
import { dataUri } from './picture';
import { axis, colors, type Figure, layout } from './theme';

export interface Share {
  readonly name: string;
  /** 0 to 1. */
  readonly value: number;
  /** Stands in the bar, or behind it where it is too short. */
  readonly text: string;
  /** Shown when the pointer is over the bar. */
  readonly hover: string;
  readonly color?: string;
}

export interface SharesOptions {
  readonly xTitle: string;
  /** Stands above. */
  readonly title?: string;
  /** A share to draw a dashed line at, with its name. */
  readonly mark?: { readonly value: number; readonly name: string };
  /** Stands left of the bars, with its pixels as squares. */
  readonly image?: Uint8Array;
}

/** Shares as horizontal bars, the first on top, from 0 to 100 %. */
export function percentBars(shares: readonly Share[], { xTitle, title, mark, image }: SharesOptions): Figure {
  return {
    data: [
      {
        type: 'bar',
        orientation: 'h',
        name: xTitle,
        y: shares.map(({ name }) => name),
        x: shares.map(({ value }) => 100 * value),
        marker: { color: shares.map(({ color }) => color ?? colors.train) },
        text: shares.map(({ text }) => text),
        customdata: shares.map(({ hover }) => hover),
        textposition: 'auto', // in the bar, if it is long enough, at its start: no mark runs through it there
        insidetextanchor: 'start',
        textfont: { size: 14 },
        cliponaxis: false,
        hovertemplate: '%{customdata}<extra></extra>',
      },
    ],
    layout: layout({
      title,
      margin: { l: image ? 20 : 110, r: 70, t: title !== undefined || mark ? 50 : 20, b: 60 },
      showlegend: false,
      hovermode: 'closest',
      bargap: 0.25,
      xaxis: axis(xTitle, { range: [0, 100], ...(image && { domain: [0.46, 1] }) }),
      ...(image && { images: [pictureAtLeft(image)] }),
      yaxis: axis('', { type: 'category', autorange: 'reversed', showgrid: false }),
      ...(mark && {
        shapes: [
          {
            type: 'line',
            x0: 100 * mark.value,
            x1: 100 * mark.value,
            yref: 'paper',
            y0: 0,
            y1: 1,
            line: { color: colors.neutral, dash: 'dash', width: 2 },
          },
        ],
        annotations: [
          { text: mark.name, x: 100 * mark.value, yref: 'paper', y: 1, yanchor: 'bottom', showarrow: false },
        ],
      }),
    }),
  };
}

function pictureAtLeft(image: Uint8Array) {
  const source = dataUri(imageGrid({ images: image }, { scale: 10 }));
  return { source, xref: 'paper', yref: 'paper', x: 0, y: 1, sizex: 0.34, sizey: 1, xanchor: 'left', yanchor: 'top' };
}
