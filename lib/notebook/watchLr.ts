import { lrCurve } from '../charts/lrCurve';
import { type LrRecord, type LrSearch, lrSearch } from '../training/lrFinder';
import { follow, progressBar } from './follow';

/**
 * Draws a learning-rate range test while it runs, and closes with the suggestion. Stop ends it after the current batch, with a
 * suggestion if there is enough to suggest one from.
 */
export async function watchLr(run: AsyncIterable<LrRecord>, options: { title?: string } = {}): Promise<LrSearch> {
  const records: LrRecord[] = [];
  const chart = () => {
    const { points, suggestion } = lrSearch(records);
    return lrCurve(points, { ...options, suggestion, range: rangeOf(records) });
  };
  return follow(
    run,
    lrCurve([], options),
    (record) => {
      records.push(record);
      const { step, steps, lr } = record;
      const parts = [`Batch ${step} of at most ${steps}`, `learning rate ${short(lr)}`];
      return { chart, progress: () => progressBar(step, steps, parts) };
    },
    (isStopped) => {
      const search = lrSearch(records);
      return { sentence: closingSentence(search, isStopped), chart: chart(), result: search };
    },
  );
}

/** From the first learning rate to the last one of a complete search: they grow by a constant factor. */
function rangeOf([first, second]: readonly LrRecord[]): [number, number] | undefined {
  if (!second) return undefined;
  return [first.lr, first.lr * (second.lr / first.lr) ** (first.steps - 1)];
}

function closingSentence({ points, suggestion }: LrSearch, isStopped: boolean): string {
  const tried =
    points.length === 0
      ? 'No step gave a finite loss, or the search had ended before: make a new one with findLr(…).'
      : `${points.length} learning rates, from ${short(points[0].lr)} to ${short(points[points.length - 1].lr)}.`;
  const result =
    suggestion === undefined
      ? 'The loss fell clearly nowhere, so there is no suggestion.'
      : `Suggestion: ${short(suggestion)}, in the middle of the slope.`;
  return `${isStopped ? 'Stopped: ' : 'Done! '}${tried} ${result} The model is as it was before.`;
}

const short = (lr: number): string => String(Number(lr.toPrecision(2)));
