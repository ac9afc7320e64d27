import type { TrainOptions } from '../training/options';

/** That a run is to end after the current batch. */
export interface StopRequest {
  readonly signal: AbortSignal;
  /** Call it when the run has ended and saved: a SIGTERM that came then does its work. */
  done(): void;
}

/** ms; a step and a save take less. */
const PATIENCE = 5000;

/**
 * A run ends when its caller's signal says so; one with checkpoints also when the process is asked to end (SIGTERM), which
 * happens as soon as it has saved: a shell sees exit status 143. Asked twice, as npm and a terminal do between them, it
 * saves all the same; but asked again after PATIENCE, it waits no longer, since nobody may be reading the run on.
 */
export function stopRequest({ signal, checkpoint }: Pick<TrainOptions, 'signal' | 'checkpoint'>): StopRequest {
  const controller = new AbortController();
  let terminated: number | undefined;
  const abort = () => controller.abort();
  const terminate = () => {
    if (terminated !== undefined && performance.now() - terminated > PATIENCE) endProcess();
    terminated ??= performance.now();
    abort();
  };
  const endProcess = () => {
    process.off('SIGTERM', terminate);
    if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
  };
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort);
  if (checkpoint) process.on('SIGTERM', terminate);
  return {
    signal: controller.signal,
    done() {
      signal?.removeEventListener('abort', abort);
      if (terminated === undefined) process.off('SIGTERM', terminate);
      else endProcess();
    },
  };
}
