/** Numbers as people read them. */
import { formatDurationMs } from '../../lib/durations.ts';

const STEPS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** `512 B`, `1.5 MiB`. */
export function bytesText(sizeBytes: number): string {
  let step = 0;
  let size = sizeBytes;
  while (size >= 1024 && step < STEPS.length - 1) {
    size /= 1024;
    step += 1;
  }
  return `${step === 0 ? size : size.toFixed(1)} ${STEPS[step] ?? ''}`;
}

/** The largest two units are enough to tell how long ago something was: `3h12m`, `4s`. */
export function durationText(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.max(0, Math.round(durationMs))}ms`;
  const whole = formatDurationMs(Math.floor(durationMs / 1_000) * 1_000);
  return /^(\d+[a-z]+){1,2}/.exec(whole)?.[0] ?? whole;
}

/** An instant as ISO 8601 in UTC, to the second. */
export function timeText(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z');
}

/** `1 restart`, `2 restarts`. */
export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** `730`, `1.2k`, `3.4M`. */
export function countText(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)}M`;
  if (count >= 1e4) return `${(count / 1e3).toFixed(0)}k`;
  return count.toFixed(0);
}
