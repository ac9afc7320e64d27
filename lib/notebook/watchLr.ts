import { setImmediate as nextTurn } from 'node:timers/promises';
import { lrCurve } from '../charts/lrCurve';
import { type LrRecord, type LrSearch, lrSearch } from '../training/lrSearch';
import { live } from '../kernel/display';
import { interruptible } from '../kernel/interruptible';
import { html } from '../kernel/mimeBundle';

/**
 * Draws a search for a learning rate while it goes on, and closes with the suggestion. Stop ends it after the current
 * batch, with a suggestion from what was seen if that is enough.
 */
export async function watchLr(run: AsyncIterable<LrRecord>, options: { title?: string } = {}): Promise<LrSearch> {
  return interruptible(async (stop) => {
    const progress = live(html`<div>Starting…</div>`);
    const chart = live(lrCurve([], options));
    const records: LrRecord[] = [];
    const draw = () => {
      const { points, suggestion } = lrSearch(records);
      return lrCurve(points, { ...options, suggestion, range: rangeOf(records) });
    };
    try {
      for await (const record of run) {
        records.push(record);
        progress.update(
          () =>
            html`<div>
              <progress max="${record.steps}" value="${record.step}" style="width: 100%; height: 1.2em"></progress>
              <div>Batch ${record.step} of at most ${record.steps} · learning rate ${short(record.lr)}</div>
            </div>`,
        );
        chart.update(draw);
        // Lets messages out, and Stop in.
        await nextTurn();
        if (stop.aborted) break;
      }
    } finally {
      chart.update(draw);
      chart.flush();
      progress.flush();
    }
    const search = lrSearch(records);
    progress.update(html`<div>${closingSentence(search, stop.aborted)}</div>`);
    progress.flush();
    return search;
  });
}

/** From the first learning rate to the last one that would come; the factor from step to step is always the same. */
function rangeOf([first, second]: readonly LrRecord[]): [number, number] | undefined {
  if (!second) return undefined;
  return [first.lr, first.lr * (second.lr / first.lr) ** (first.steps - 1)];
}

function closingSentence({ points, suggestion }: LrSearch, stopped: boolean): string {
  const tried =
    points.length === 0
      ? 'No step gave a loss that is a number, or the search had ended before: run the cell again that makes it.'
      : `${points.length} learning rates, from ${short(points[0].lr)} to ${short(points[points.length - 1].lr)}.`;
  const result =
    suggestion === undefined
      ? 'The loss did not fall clearly anywhere, so there is no suggestion.'
      : `Suggestion: ${short(suggestion)}, in the middle of the slope.`;
  return `${stopped ? 'Stopped: ' : 'Done! '}${tried} ${result} The model is as it was before.`;
}

const short = (lr: number): string => String(Number(lr.toPrecision(2)));
