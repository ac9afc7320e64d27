import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BatchPoint, type CurvePoint, learningCurves } from '../charts/curves';
import type { Annotation } from '../charts/annotations';
import type { StepRecord, TrainRecord } from '../training/records';
import type { Change, Controls, Setting } from './controls';
import { live } from '../kernel/display';
import { interruptible, listen } from '../kernel/interruptible';
import { addChange, type ControlChange, changeLabel } from './controlChanges';
import { html, type Html } from '../kernel/mimeBundle';
import { panelStyle } from './style';
import { hasWidgets, openBox, openWidget, showWidget, type Widget } from '../kernel/widgets';

export interface PlaygroundOptions<Model> {
  /** Makes a network with fresh weights: for the first Train, after Reset, and when a control says 'new network'. */
  readonly model: () => Model;
  /** Trains it; what it yields is drawn. Called at each Train. */
  readonly run: (model: Model) => AsyncIterable<TrainRecord>;
  /** Called after each change of a control, and when a network was made, for what `run` can't read by itself. */
  readonly onChange?: (model: Model) => void;
}

export interface Playground<Model> {
  /** The network as it is trained so far, and usable between two trainings; nothing before the first. */
  readonly model: Model | undefined;
  /** Whether it trains now. */
  readonly isTraining: boolean;
  /** Goes on until the run is over or stopped. A second call while it goes on is the same as the first. */
  train(): Promise<void>;
  /** Ends the training after the current batch; the weights stay. */
  stop(): Promise<void>;
  /** Stops, and forgets network and curves. */
  reset(): Promise<void>;
}

/**
 * A network to play with: Train, Stop and Reset buttons, and curves that say which control was moved when. The training
 * goes on after the cell has ended, until it is over or stopped: by the button, by JupyterLab's own Stop, by running the
 * cell again, or with the kernel. Train goes on from the weights that are there; momentum gathers anew.
 *
 * Where no page shows buttons (a notebook that is executed without one), the cell trains once, with the values given.
 */
export async function playground<Model extends { dispose(): unknown }>(
  controls: Controls<object>,
  options: PlaygroundOptions<Model>,
): Promise<Playground<Model>> {
  await endLast();
  const trainer = makeTrainer(controls, options);
  endLast = () => trainer.close();
  if (!hasWidgets()) await interruptible((signal) => trainer.train({ signal, throws: true }));
  return trainer;
}

/** Two trainings at once would share the processor: a new playground ends the one before. */
let endLast: () => Promise<void> = () => Promise.resolve();

/** Where a training stands: what is drawn. */
interface Curves {
  readonly epochs: CurvePoint[];
  readonly batches: BatchPoint[];
  /** Epochs' worth of images seen, all runs together. */
  position: number;
  /** Length of the axis. */
  end: number;
  marks: readonly ControlChange[];
}

const emptyCurves = (): Curves => ({ epochs: [], batches: [], position: 0, end: 1, marks: [] });

function makeTrainer<Model extends { dispose(): unknown }>(
  controls: Controls<object>,
  { model: make, run, onChange }: PlaygroundOptions<Model>,
) {
  let model: Model | undefined;
  let curves = emptyCurves();
  /** What the last run began with. */
  let settings: readonly Setting[] = [];
  let running: Promise<void> | undefined;
  let controller = new AbortController();

  const buttons: Partial<Record<'train' | 'stop', Widget<'Button'>>> = {};
  const hideButtons = showWidget(
    () =>
      openBox(
        ['cifar10-panel', 'cifar10-buttons'],
        [
          openWidget('HTML', { value: panelStyle }),
          (buttons.train = openWidget(
            'Button',
            { description: 'Train', button_style: 'primary', disabled: running !== undefined },
            { onClick: () => void train() },
          )),
          (buttons.stop = openWidget(
            'Button',
            { description: 'Stop', button_style: '', disabled: running === undefined },
            { onClick: () => void stop() },
          )),
          openWidget('Button', { description: 'Reset', button_style: '' }, { onClick: () => void reset() }),
        ],
      ),
    () => html`<div></div>`,
  );
  const status = live(statusLine('Ready.', ...(hasWidgets() ? ['Press Train.'] : [])));
  const draw = () =>
    learningCurves(curves.epochs, {
      batches: curves.batches,
      epochs: curves.end,
      marks: curves.marks.map(({ epoch, ...mark }): Annotation => ({ epoch, label: changeLabel(mark) })),
    });
  const chart = live(draw());
  const say = (line: Html) => {
    status.update(line);
    status.flush();
  };

  const note = (change: Change) => {
    if (curves.position > 0) {
      const at = { epoch: curves.position, batch: curves.batches.length, time: performance.now() };
      curves.marks = addChange(curves.marks, change, at);
      chart.update(draw);
    }
  };
  const leave = controls.onChange((change) => {
    if (change.applies === 'at once') note(change);
    if (model) onChange?.(model);
  });

  async function train({ signal, throws = false }: { signal?: AbortSignal; throws?: boolean } = {}): Promise<void> {
    running ??= trainOnce(signal, throws).finally(() => (running = undefined));
    return running;
  }

  async function trainOnce(signal: AbortSignal | undefined, throws: boolean): Promise<void> {
    controller = new AbortController();
    const abort = () => controller.abort();
    // Leaves the synchronous part of a cell first, as `interruptible` does, and for the same reason.
    await nextTurn();
    signal?.addEventListener('abort', abort);
    const leaveStop = listen(abort);
    buttons.train?.set({ disabled: true });
    buttons.stop?.set({ disabled: false });
    let outcome: Html;
    try {
      say(statusLine('Preparing …'));
      const changes = changesSince(settings, controls.settings());
      if (changes.some(({ applies }) => applies === 'new network')) forget();
      else for (const change of changes) if (change.applies === 'next run') note(change);
      settings = controls.settings();
      if (!model) {
        model = make();
        onChange?.(model);
      }
      await follow(run(model), controller.signal);
      const accuracy = lastAccuracy();
      const next = hasWidgets() ? ['Train goes on from here.'] : [];
      outcome = statusLine(controller.signal.aborted ? 'Stopped.' : 'Done.', ...accuracy, ...next);
    } catch (error) {
      if (throws) throw error;
      const message = error instanceof Error ? error.message : String(error);
      outcome = html`<div style="font-size: 1.3em">
        <b>It ended with an error.</b> ${message} <b>Reset</b> gives fresh weights.
      </div>`;
    } finally {
      signal?.removeEventListener('abort', abort);
      leaveStop();
      chart.flush();
      buttons.train?.set({ disabled: false });
      buttons.stop?.set({ disabled: true });
    }
    say(outcome);
  }

  async function follow(records: AsyncIterable<TrainRecord>, signal: AbortSignal): Promise<void> {
    const start = curves.position;
    for await (const record of records) {
      curves.end = Math.ceil(start) + record.epochs;
      if (record.type === 'epoch') {
        curves.position = start + record.epoch;
        curves.epochs.push({ ...record, epoch: curves.position });
      } else if (record.type === 'step') {
        curves.position = start + record.epoch - 1 + record.step / record.steps;
        curves.batches.push({ epoch: curves.position, loss: record.loss, accuracy: record.accuracy });
        status.update(() => runningLine(record, curves, lastAccuracy()));
      } else status.update(statusLine('Testing', `batch ${record.batch} of ${record.batches}`, ...lastAccuracy()));
      if (record.type !== 'test') chart.update(draw);
      await nextTurn();
      if (signal.aborted) return;
    }
  }

  const lastAccuracy = () => {
    const last = curves.epochs.at(-1);
    return last ? [`test accuracy ${(100 * last.test.accuracy).toFixed(1)} %`] : [];
  };

  async function stop(): Promise<void> {
    if (!running) return;
    controller.abort();
    say(statusLine('Stopping, as soon as the current batch is done …'));
    await running;
  }

  function forget(): void {
    model?.dispose();
    model = undefined;
    curves = emptyCurves();
    chart.update(draw);
  }

  async function reset(): Promise<void> {
    await stop();
    forget();
    chart.flush();
    say(statusLine('Ready.', 'Train starts with fresh weights.'));
  }

  return {
    get model() {
      return model;
    },
    get isTraining() {
      return running !== undefined;
    },
    train,
    stop,
    reset,
    async close() {
      leave();
      await stop();
      model?.dispose();
      hideButtons();
    },
  };
}

/** Settings that differ from those of the last run; none at the first. */
const changesSince = (before: readonly Setting[], now: readonly Setting[]): Change[] =>
  now.flatMap(({ value, ...setting }) => {
    const last = before.find(({ name }) => name === setting.name);
    return !last || last.value === value ? [] : [{ ...setting, from: last.to }];
  });

const statusLine = (state: string, ...parts: readonly string[]): Html =>
  html`<div style="font-size: 1.3em"><b>${state}</b> ${parts.join(' · ')}</div>`;

function runningLine(record: StepRecord, { position, end }: Curves, accuracy: readonly string[]): Html {
  const speed = `${Math.round(record.imagesPerSecond).toLocaleString('en')} images/s`;
  const place = [`epoch ${Math.ceil(position)} of ${end}`, `batch ${record.step} of ${record.steps}`];
  return statusLine('Training', ...place, speed, ...accuracy);
}
