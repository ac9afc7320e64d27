import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BatchPoint, type CurvePoint, learningCurves } from '../charts/curves';
import type { Annotation } from '../charts/annotations';
import type { StepRecord, TrainRecord } from '../training/records';
import { live } from '../kernel/display';
import { html, type Html } from '../kernel/html';
import { interruptible, isStopError, listen } from '../kernel/interruptible';
import { hasWidgets, openBox, openWidget, showWidget, type Widget } from '../kernel/widgets';
import { addChange, changeLabel, type ControlChange } from './controlChanges';
import type { Change, Controls, Setting } from './controls';
import { panelStyle } from '../kernel/panelStyle';

export interface PlaygroundOptions<Model> {
  /** Makes a network with fresh weights: for the first Train, after Reset, and when a 'new-model' control was changed. */
  readonly model: () => Model;
  /** Trains it, and yields what is drawn. Called by each Train. */
  readonly run: (model: Model) => AsyncIterable<TrainRecord>;
  /** Called after each change of a control and for each new network, for settings that `run` can't read by itself. */
  readonly onChange?: (model: Model) => void;
}

export interface Playground<Model> {
  /** The network as trained so far, for use between two trainings; undefined before the first. */
  readonly model: Model | undefined;
  /** Whether a training is running. */
  readonly isTraining: boolean;
  /** Trains until the run ends or is stopped. A call during a training waits for that one. */
  train(): Promise<void>;
  /** Ends the training after the current batch; the weights are kept. */
  stop(): Promise<void>;
  /** Stops, and discards network and curves. */
  reset(): Promise<void>;
}

/**
 * A network to play with: Train, Stop and Reset buttons, and curves that show when a control was moved. A training continues
 * after the cell has ended, until it is done or stopped: by the button, by JupyterLab's Stop, by running the cell again, or
 * with the kernel. Train continues from the current weights; the optimizer starts afresh.
 *
 * Without a page to show buttons (a notebook executed without one), the cell trains once, with the given values.
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

/** Two trainings at once would share the CPU: a new playground ends the previous one. */
let endLast: () => Promise<void> = () => Promise.resolve();

/** What is drawn of the training so far. */
interface Curves {
  readonly epochs: CurvePoint[];
  readonly batches: BatchPoint[];
  /** Epochs done in all runs, with fractions. */
  position: number;
  /** End of the x axis, in epochs. */
  end: number;
  changes: readonly ControlChange[];
}

const emptyCurves = (): Curves => ({ epochs: [], batches: [], position: 0, end: 1, changes: [] });

function makeTrainer<Model extends { dispose(): unknown }>(
  controls: Controls<object>,
  { model: make, run, onChange }: PlaygroundOptions<Model>,
) {
  let model: Model | undefined;
  let curves = emptyCurves();
  /** The settings that the last run began with. */
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
          (buttons.train = button('Train', () => void train(), running !== undefined, 'primary')),
          (buttons.stop = button('Stop', () => void stop(), running === undefined)),
          button('Reset', () => void reset()),
        ],
      ),
    () => html`<div></div>`,
  );
  const status = live(statusLine('Ready.', ...(hasWidgets() ? ['Press Train.'] : [])));
  const draw = () =>
    learningCurves(curves.epochs, {
      batches: curves.batches,
      epochs: curves.end,
      annotations: curves.changes.map(({ epoch, ...mark }): Annotation => ({ epoch, label: changeLabel(mark) })),
    });
  const chart = live(draw());
  const say = (line: Html) => {
    status.update(line);
    status.flush();
  };

  const note = (change: Change) => {
    if (curves.position === 0) return;
    const at = { epoch: curves.position, batch: curves.batches.length, time: performance.now() };
    curves.changes = addChange(curves.changes, change, at);
    chart.update(draw);
  };
  const leave = controls.onChange((change) => {
    if (change.applies === 'live') note(change);
    if (model) onChange?.(model);
  });

  async function train({ signal, throws = false }: { signal?: AbortSignal; throws?: boolean } = {}): Promise<void> {
    running ??= trainOnce(signal, throws).finally(() => (running = undefined));
    return running;
  }

  async function trainOnce(signal: AbortSignal | undefined, throws: boolean): Promise<void> {
    controller = new AbortController();
    const abort = () => controller.abort();
    signal?.addEventListener('abort', abort);
    const leaveStop = listen(abort);
    buttons.train?.set({ disabled: true });
    buttons.stop?.set({ disabled: false });
    let outcome: Html;
    try {
      say(statusLine('Preparing …'));
      const changes = changesSince(settings, controls.settings());
      if (changes.some(({ applies }) => applies === 'new-model')) forget();
      else for (const change of changes) if (change.applies === 'next-run') note(change);
      settings = controls.settings();
      if (!model) {
        model = make();
        onChange?.(model);
      }
      await follow(run(model), controller.signal);
      outcome = end(controller.signal.aborted ? 'Stopped.' : 'Done.');
    } catch (error) {
      if (throws) throw error;
      outcome = isStopError(error)
        ? end('Stopped.')
        : statusLine(
            'The training failed.',
            error instanceof Error ? error.message : String(error),
            'Reset starts over with fresh weights.',
          );
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
        const { loss, accuracy, images } = record;
        curves.batches.push({ epoch: curves.position, loss, accuracy, images });
        status.update(() => runningLine(record, curves, lastAccuracy()));
      } else status.update(statusLine('Evaluating', `batch ${record.batch} of ${record.batches}`, ...lastAccuracy()));
      if (record.type !== 'test') chart.update(draw);
      await nextTurn();
      if (signal.aborted) return;
    }
  }

  const end = (state: string) =>
    statusLine(state, ...lastAccuracy(), ...(hasWidgets() ? ['Train continues from here.'] : []));

  const lastAccuracy = () => {
    const last = curves.epochs.at(-1);
    return last ? [`test accuracy ${(100 * last.test.accuracy).toFixed(1)} %`] : [];
  };

  async function stop(): Promise<void> {
    if (!running) return;
    controller.abort();
    say(statusLine('Stopping after the current batch …'));
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

const button = (description: string, onClick: () => void, disabled = false, button_style: 'primary' | '' = '') =>
  openWidget('Button', { description, disabled, button_style }, { onClick });

/** Settings that differ from those of the last run; none before the first. */
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
