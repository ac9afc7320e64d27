/** ms; a step and a save take less. */
const PATIENCE = 5000;

export interface Sigterm {
  /** Aborted when the process is asked to end (SIGTERM). */
  readonly signal: AbortSignal;
  /** Call it when all is saved: a SIGTERM that came then ends the process. */
  done(this: void): void;
}

/**
 * Holds SIGTERM back until a run has saved; a shell then sees exit status 143. Asked twice, as npm and a terminal do between
 * them, the run saves all the same; but asked again after PATIENCE, the process ends at once, since the run may have been
 * abandoned.
 */
export function holdSigterm(): Sigterm {
  const controller = new AbortController();
  let terminated: number | undefined;
  const endProcess = () => {
    process.off('SIGTERM', terminate);
    if (process.listenerCount('SIGTERM') === 0) process.kill(process.pid, 'SIGTERM');
  };
  const terminate = () => {
    if (terminated !== undefined && performance.now() - terminated > PATIENCE) endProcess();
    terminated ??= performance.now();
    controller.abort();
  };
  process.on('SIGTERM', terminate);
  return {
    signal: controller.signal,
    done() {
      if (terminated === undefined) process.off('SIGTERM', terminate);
      else endProcess();
    },
  };
}
