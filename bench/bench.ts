// npm run bench [-- MODEL …] [--rounds N]: the time of a training step, ours beside plain tfjs-node and PyTorch.
// All runners of a model are alive at once and take turns, so that a noisy machine is noisy for all of them. What is
// measured goes into bench/results, where models that this run left out keep what they have.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { cpuHas, isa } from 'cifar10/engine';

const root = join(__dirname, '..', '..');
const TORCH_VERSION = '2.15.0';

const MODELS = ['linear', 'shallow', 'deep'] as const;
type Model = (typeof MODELS)[number];

/** Steps of each runner in a round: a turn of about a second. */
const STEPS: Record<Model, number> = { linear: 20, shallow: 1, deep: 1 };

/** 'tensorflow' is float32 without the custom ops: they need AVX2, which CIFAR10_MAX_ISA takes from them (isa.h). */
const OURS = ['plain', 'eager', 'tensorflow', 'float32', 'bfloat16'];
/** A large convolution, for comparison. */
const PEAKS = ['peak:float32', 'peak:bfloat16'];
const TORCH = ['written', 'best:0:0', 'best:1:0', 'best:0:1', 'best:1:1'];
/** Bytes that a runner takes on average, as measured in float32 (AMD EPYC). */
const MEMORY: Record<Model, number> = { linear: 0.61e9, shallow: 1.34e9, deep: 1.79e9 };
/** Where the processor emulates bfloat16, a step of the deep net takes minutes: they stay out there. */
const HALF = ['bfloat16', 'peak:bfloat16', 'best:0:1', 'best:1:1'];
export const TITLES: Record<string, string> = {
  plain: 'plain tfjs-node',
  eager: 'ours, eager',
  tensorflow: "ours, compiled float32, TensorFlow's ops only",
  float32: 'ours, compiled float32',
  bfloat16: 'ours, compiled bfloat16',
  'peak:float32': 'a large convolution, float32',
  'peak:bfloat16': 'a large convolution, bfloat16',
  written: 'PyTorch as the original is written',
  'best:0:0': 'PyTorch, no change',
  'best:1:0': 'PyTorch, channels_last',
  'best:0:1': 'PyTorch, bf16 autocast',
  'best:1:1': 'PyTorch, channels_last + bf16 autocast',
};

interface Runner {
  readonly way: string;
  readonly process: ChildProcessWithoutNullStreams;
  readonly lines: AsyncIterator<string>;
  /** Floating point operations of a step; 0 where they are not told. */
  readonly flops: number;
  readonly times: number[];
}

export interface Row {
  readonly way: string;
  readonly minimum: number;
  readonly median: number;
  /** Largest resident memory, bytes. */
  readonly peakBytes: number;
  readonly steps: number;
  /** Billions of floating point operations of convolutions and linear layers in a second; not told by all. */
  readonly gigaflops?: number;
}

/** When, where and how long something was measured. */
interface Origin {
  readonly date: string;
  readonly machine: ReturnType<typeof describeMachine>;
  readonly rounds: number;
}

/** What bench/results keeps of a kind of processor. */
export interface Saved extends Origin {
  readonly results: Readonly<Record<string, readonly Row[]>>;
  /** Where the rows of a model come from that the last run left out. */
  readonly earlier?: Readonly<Record<string, Origin>>;
}

/** A run, and what those before it measured of the models that it left out. */
export function mergeRuns(now: Saved, before?: Saved): Saved {
  if (!before) return now;
  const { results, earlier, ...origin } = before;
  const kept = Object.keys(results).filter((model) => !(model in now.results));
  return {
    ...now,
    results: { ...results, ...now.results },
    ...(kept.length > 0 && { earlier: Object.fromEntries(kept.map((model) => [model, earlier?.[model] ?? origin])) }),
  };
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '10' } },
    allowPositionals: true,
  });
  const rounds = Number(values.rounds);
  const unknown = positionals.find((name) => !MODELS.includes(name as Model));
  if (unknown || !(rounds >= 1)) throw new Error(`Usage: npm run bench -- [${MODELS.join('|')} …] [--rounds N]`);
  const models = positionals.length > 0 ? (positionals as Model[]) : MODELS;
  const isNative = cpuHas('avx512_bf16');
  const ways = [...OURS, ...PEAKS, ...TORCH].filter((way) => isNative || !HALF.includes(way));
  needMemory(models, ways);
  const python = installTorch();
  const machine = describeMachine(python);
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.features}; batch 256, ${rounds} rounds\n`);
  if (!isNative) console.log('This processor has neither AVX512-BF16 nor AMX: the bfloat16 rows are left out.\n');
  const results: Record<string, Row[]> = {};
  for (const model of models) {
    results[model] = await compete(model, ways, rounds, python);
    console.log(table(model, results[model]));
  }
  const file = join(root, 'bench', 'results', `${machine.cpu.replace(/\W+/g, '-')}.json`);
  mkdirSync(join(root, 'bench', 'results'), { recursive: true });
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Saved) : undefined;
  const saved = mergeRuns({ date: new Date().toISOString(), machine, rounds, results }, before);
  writeFileSync(file, `${JSON.stringify(saved, null, 2)}\n`);
  console.log(`Saved to ${file}.`);
}

/** Those that take part: the linear network has no channels. */
const waysOf = (model: Model, ways: readonly string[]) =>
  ways.filter((way) => model !== 'linear' || !way.startsWith('best:1'));

/** @throws Error when the runners of a model need more memory than is free */
export function needMemory(models: readonly Model[], ways: readonly string[], free = process.availableMemory()): void {
  for (const model of models) {
    const bytes = MEMORY[model] * waysOf(model, ways).length;
    if (bytes <= free) continue;
    const gigabytes = (value: number) => `${(value / 1e9).toFixed(1)} GB`;
    throw new Error(
      `The ${model} model's runners, all alive at once, need about ${gigabytes(bytes)} of memory, and ${gigabytes(free)} are free: ` +
        'end other programs, or name smaller models (npm run bench -- linear).',
    );
  }
}

async function compete(model: Model, ways: readonly string[], rounds: number, python: string): Promise<Row[]> {
  const commands = waysOf(model, ways).map((way): [way: string, command: string, args: string[]] => {
    if (OURS.includes(way)) return [way, process.execPath, [join(__dirname, 'runner.js'), model, way]];
    if (PEAKS.includes(way))
      return [way, process.execPath, [join(__dirname, 'peakFlops.js'), way.slice('peak:'.length)]];
    return [way, python, [join(root, 'bench', 'torch_runner.py'), model, way]];
  });
  const runners: Runner[] = [];
  try {
    for (const [way, command, args] of commands) runners.push(await start(way, command, args));
    for (let round = 0; round < rounds; round++) {
      for (const runner of runners) {
        runner.times.push(...(await takeTurn(runner, PEAKS.includes(runner.way) ? 1 : STEPS[model])));
      }
    }
    return runners.map(({ way, process, flops, times }) => ({
      way,
      ...(flops > 0 && { gigaflops: flops / Math.min(...times) / 1e6 }),
      minimum: Math.min(...times),
      median: [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)],
      peakBytes: peakMemory(process.pid!),
      steps: times.length,
    }));
  } finally {
    for (const { process } of runners) process.kill();
  }
}

/** Starts a runner; it is ready for its turns. */
export async function start(way: string, command: string, args: string[]): Promise<Runner> {
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...(way === 'tensorflow' && { CIFAR10_MAX_ISA: 'baseline' }) },
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as unknown as ChildProcessWithoutNullStreams;
  const reader: Interface = createInterface({ input: child.stdout });
  // That it has ended is told by the end of its lines.
  child.stdin.on('error', () => {});
  const lines = reader[Symbol.asyncIterator]();
  const flops = Number((await nextLine(way, lines)).slice('ready'.length));
  return { way, process: child, lines, flops, times: [] };
}

/** Lets a runner run so many steps; gives their times in ms. */
export async function takeTurn({ way, process, lines }: Runner, steps: number): Promise<number[]> {
  process.stdin.write(`${steps}\n`);
  return JSON.parse(await nextLine(way, lines)) as number[];
}

async function nextLine(way: string, lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = (await lines.next()) as IteratorResult<string, undefined>;
  if (!done) return value;
  throw new Error(
    `“${TITLES[way]}” ended before its time: see its error above; if there is none, the memory may have run out.`,
  );
}

/** VmHWM of /proc: kilobytes. */
const peakMemory = (pid: number): number =>
  1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function table(model: string, rows: readonly Row[]): string {
  const written = rows.find(({ way }) => way === 'written')!.minimum;
  const best = Math.min(...rows.filter(({ way }) => TORCH.includes(way)).map(({ minimum }) => minimum));
  /** Of a compiled step: how near it comes to the large convolution of its precision. */
  const share = ({ way, gigaflops }: Row) => {
    const peak = rows.find((row) => row.way === `peak:${way}`);
    return peak ? `${((100 * gigaflops!) / peak.gigaflops!).toFixed(0)} %` : '';
  };
  const line = (...cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(40) : cell.padStart(14))).join('');
  return [
    line(model, 'minimum ms', 'median ms', '× as written', '× at its best', 'peak memory', 'GFLOP/s', 'of the peak'),
    ...rows.map((row) => {
      const isPeak = PEAKS.includes(row.way);
      return line(
        TITLES[row.way],
        row.minimum.toFixed(1),
        row.median.toFixed(1),
        isPeak ? '' : (written / row.minimum).toFixed(2),
        isPeak ? '' : (best / row.minimum).toFixed(2),
        `${(row.peakBytes / 1e6).toFixed(0)} MB`,
        row.gigaflops?.toFixed(0) ?? '',
        share(row),
      );
    }),
    '',
  ].join('\n');
}

/** PyTorch in a virtual environment that only this benchmark uses. */
function installTorch(): string {
  const folder = join(root, '.setup', 'bench');
  const python = join(folder, 'bin', 'python');
  const done = join(folder, `torch-${TORCH_VERSION}`);
  if (existsSync(done)) return python;
  console.log('Installing PyTorch for the comparison (once; some gigabytes) …');
  rmSync(folder, { recursive: true, force: true });
  const run = (command: string, args: string[]) =>
    execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  run(join(root, '.venv', 'bin', 'python'), ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', `torch==${TORCH_VERSION}`, 'numpy', 'safetensors']);
  writeFileSync(done, '');
  return python;
}

function describeMachine(python: string) {
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    memory: totalmem(),
    features: isa() as string,
    node: process.versions.node,
    torch: execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' }).trim(),
  };
}

if (require.main === module) {
  main().catch((error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
