/**
 * Small pictures of one size in one file, side by side and row after row: a figure's `layout.meta.hoverPictures`. Plotly shows
 * only text at the pointer; the chart extension of JupyterLab adds the pictures whose numbers the point has as `customdata`.
 */
export interface HoverPictures {
  /** A data URI. */
  readonly source: string;
  /** Pictures in a row. */
  readonly columns: number;
  /** Of a picture, in px of the file. */
  readonly side: number;
  /** How many times as large they are shown. */
  readonly scale: number;
}
