import { type Figure, layout } from './theme';

/** A figure that says in words what there would be to see. */
export function emptyFigure(text: string): Figure {
  const hidden = { visible: false, fixedrange: true };
  return {
    data: [],
    layout: layout({
      height: 100,
      margin: { l: 5, r: 5, t: 5, b: 5 },
      annotations: [{ text, xref: 'paper', yref: 'paper', x: 0.5, y: 0.5, showarrow: false, font: { size: 17 } }],
      xaxis: hidden,
      yaxis: hidden,
      showlegend: false,
      hovermode: false,
    }),
  };
}
