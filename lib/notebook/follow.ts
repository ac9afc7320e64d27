import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Figure } from '../charts/theme';
import { live } from '../kernel/display';
import { html, type Html } from '../kernel/html';
import { interruptible } from '../kernel/interruptible';

/** What a record changes on the screen. */
export interface Drawing {
  readonly progress?: () => Html;
  readonly chart?: () => Figure;
  /** Stop waits for a later record. */
  readonly mustGoOn?: boolean;
}

/**
 * Reads `records` to their end, or until Stop is pressed, with a line of progress and a chart under the cell.
 * @param draw called for each record
 * @param close gives the last line
 */
export function follow<Item, Result>(
  records: AsyncIterable<Item>,
  empty: Figure,
  draw: (record: Item) => Drawing,
  close: (isStopped: boolean) => { readonly sentence: string; readonly chart?: Figure; readonly result: Result },
): Promise<Result> {
  return interruptible(async (stop) => {
    const progress = live(html`<div>Starting …</div>`);
    const chart = live(empty);
    stop.addEventListener('abort', () => {
      progress.update(html`<div>Stopping after the current batch …</div>`);
      progress.flush();
    });
    try {
      for await (const record of records) {
        const drawing = draw(record);
        if (drawing.progress) progress.update(drawing.progress);
        if (drawing.chart) chart.update(drawing.chart);
        // Lets messages out, and Stop in.
        await nextTurn();
        if (stop.aborted && !drawing.mustGoOn) break;
      }
    } finally {
      chart.flush();
      progress.flush();
    }
    const { sentence, chart: last, result } = close(stop.aborted);
    if (last) chart.update(last);
    progress.update(html`<div>${sentence}</div>`);
    chart.flush();
    progress.flush();
    return result;
  });
}

/** A progress bar with text under it. */
export const progressBar = (value: number, max: number, parts: readonly string[]): Html =>
  html`<div>
    <progress max="${max}" value="${value}" style="width: 100%; height: 1.2em"></progress>
    <div>${parts.join(' · ')}</div>
  </div>`;
