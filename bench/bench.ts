// npm run bench [-- MODEL …] [--rounds N]: the time of a training step, ours beside plain tfjs-node and PyTorch.
// All contestants of a model are alive at once and take turns, so that a noisy machine is noisy for all of them.
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { parseArgs } from 'node:util';
import { processorHas } from 'cifar10/dist/tensor/processor';

const root = join(__dirname, '..', '..');
const TORCH_VERSION = '2.15.0';

const MODELS = ['linear', 'shallow', 'deep'] as const;
type Model = (typeof MODELS)[number];

/** Steps of each contestant in a round: a turn of about a second. */
const STEPS: Record<Model, number> = { linear: 20, shallow: 1, deep: 1 };

const OURS = ['plain', 'eager', 'float32', 'bfloat16'];
/** A large convolution: what there is to be had. */
const RATES = ['rate:float32', 'rate:bfloat16'];
const TORCH = ['written', 'best:0:0', 'best:1:0', 'best:0:1', 'best:1:1'];
/** Where the processor emulates bfloat16, a step of the deep net takes minutes: they stay out there. */
const HALF = ['bfloat16', 'rate:bfloat16', 'best:0:1', 'best:1:1'];
const TITLES: Record<string, string> = {
  plain: 'plain tfjs-node',
  eager: 'ours, eager',
  float32: 'ours, compiled float32',
  bfloat16: 'ours, compiled bfloat16',
  'rate:float32': 'a large convolution, float32',
  'rate:bfloat16': 'a large convolution, bfloat16',
  written: 'PyTorch as the original is written',
  'best:0:0': 'PyTorch, no change',
  'best:1:0': 'PyTorch, channels_last',
  'best:0:1': 'PyTorch, bf16 autocast',
  'best:1:1': 'PyTorch, channels_last + bf16 autocast',
};

interface Contestant {
  readonly way: string;
  readonly process: ChildProcessWithoutNullStreams;
  readonly lines: AsyncIterator<string>;
  /** Floating point operations of a step; 0 where they are not told. */
  readonly flop: number;
  readonly times: number[];
}

interface Row {
  readonly way: string;
  readonly minimum: number;
  readonly median: number;
  /** Largest resident memory, bytes. */
  readonly peakBytes: number;
  readonly steps: number;
  /** Billions of floating point operations of convolutions and linear layers in a second; not told by all. */
  readonly gigaflops?: number;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { rounds: { type: 'string', default: '10' } },
    allowPositionals: true,
  });
  const rounds = Number(values.rounds);
  const unknown = positionals.find((name) => !MODELS.includes(name as Model));
  if (unknown || !(rounds >= 1)) throw new Error(`Usage: npm run bench -- [${MODELS.join('|')} …] [--rounds N]`);
  const python = installTorch();
  const machine = describeMachine(python);
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.features}; batch 256, ${rounds} rounds\n`);
  const isNative = /avx512_bf16|amx_bf16/.test(machine.features);
  if (!isNative) console.log('This processor has neither AVX512-BF16 nor AMX: the bfloat16 rows are left out.\n');
  const ways = [...OURS, ...RATES, ...TORCH].filter((way) => isNative || !HALF.includes(way));
  const results: Record<string, Row[]> = {};
  for (const model of positionals.length > 0 ? (positionals as Model[]) : MODELS) {
    results[model] = await compete(model, ways, rounds, python);
    console.log(table(model, results[model]));
  }
  const file = join(root, 'bench', 'results', `${machine.cpu.replace(/\W+/g, '-')}.json`);
  mkdirSync(join(root, 'bench', 'results'), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ date: new Date().toISOString(), machine, rounds, results }, null, 2)}\n`);
  console.log(`Saved to ${file}.`);
}

async function compete(model: Model, ways: readonly string[], rounds: number, python: string): Promise<Row[]> {
  const commands = ways
    .filter((way) => model !== 'linear' || !way.startsWith('best:1')) // it has no channels
    .map((way): [way: string, command: string, args: string[]] => {
      if (OURS.includes(way)) return [way, process.execPath, [join(__dirname, 'contestant.js'), model, way]];
      if (RATES.includes(way)) return [way, process.execPath, [join(__dirname, 'rate.js'), way.slice('rate:'.length)]];
      return [way, python, [join(root, 'bench', 'peer.py'), model, way]];
    });
  const contestants: Contestant[] = [];
  try {
    for (const [way, command, args] of commands) contestants.push(await start(way, command, args));
    for (let round = 0; round < rounds; round++) {
      for (const { way, process, lines, times } of contestants) {
        process.stdin.write(`${RATES.includes(way) ? 1 : STEPS[model]}\n`);
        times.push(...(JSON.parse(await nextLine(lines)) as number[]));
      }
    }
    return contestants.map(({ way, process, flop, times }) => ({
      way,
      ...(flop > 0 && { gigaflops: flop / Math.min(...times) / 1e6 }),
      minimum: Math.min(...times),
      median: [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)],
      peakBytes: peakMemory(process.pid!),
      steps: times.length,
    }));
  } finally {
    for (const { process } of contestants) process.kill();
  }
}

async function start(way: string, command: string, args: string[]): Promise<Contestant> {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ['pipe', 'pipe', 'inherit'],
  }) as unknown as ChildProcessWithoutNullStreams;
  const reader: Interface = createInterface({ input: child.stdout });
  const lines = reader[Symbol.asyncIterator]();
  const flop = Number((await nextLine(lines)).slice('ready'.length));
  return { way, process: child, lines, flop, times: [] };
}

async function nextLine(lines: AsyncIterator<string>): Promise<string> {
  const { value, done } = (await lines.next()) as IteratorResult<string, undefined>;
  if (done) throw new Error('A contestant ended before its time: see its error above.');
  return value;
}

/** VmHWM of /proc: kilobytes. */
const peakMemory = (pid: number): number =>
  1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

function table(model: string, rows: readonly Row[]): string {
  const written = rows.find(({ way }) => way === 'written')!.minimum;
  const best = Math.min(...rows.filter(({ way }) => TORCH.includes(way)).map(({ minimum }) => minimum));
  /** Of a compiled step: how near it comes to the large convolution of its precision. */
  const share = ({ way, gigaflops }: Row) => {
    const rate = rows.find((row) => row.way === `rate:${way}`);
    return rate ? `${((100 * gigaflops!) / rate.gigaflops!).toFixed(0)} %` : '';
  };
  const line = (...cells: string[]) => cells.map((cell, i) => (i === 0 ? cell.padEnd(40) : cell.padStart(14))).join('');
  return [
    line(model, 'minimum ms', 'median ms', '× as written', '× at its best', 'peak memory', 'GFLOP/s', 'of the rate'),
    ...rows.map((row) => {
      const isRate = RATES.includes(row.way);
      return line(
        TITLES[row.way],
        row.minimum.toFixed(1),
        row.median.toFixed(1),
        isRate ? '' : (written / row.minimum).toFixed(2),
        isRate ? '' : (best / row.minimum).toFixed(2),
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
  const features = ['avx2', 'avx512f', 'avx512_bf16', 'amx_bf16'].filter((feature) => processorHas(feature));
  return {
    cpu: cpus()[0].model,
    cores: cpus().length,
    memory: totalmem(),
    features: features.join(' '),
    node: process.versions.node,
    torch: execFileSync(python, ['-c', 'import torch; print(torch.__version__)'], { encoding: 'utf8' }).trim(),
  };
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
