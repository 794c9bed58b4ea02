/** The entries of Flink's HA ConfigMaps, each with what its value says. Writing gives back the value that was read. */
import { assertNever } from '../../lib/assert-never.ts';
import { FlinkDataError } from '../wire/errors.ts';
import { type LeaderInformation, parseLeaderInformation, renderLeaderInformation } from '../wire/leader-information.ts';
import { decodeHandleText, encodeHandleText, type FlinkStateHandle } from '../wire/state-handle.ts';
import {
  COUNTER_KEY,
  checkpointIdOfKey,
  componentIdOfKey,
  isCheckpointKey,
  isPlanKey,
  jobIdOfPlanKey,
} from './names.ts';

/** One key and its value. */
export type FlinkHaEntry =
  | {
      readonly kind: 'leader';
      readonly key: string;
      readonly componentId: string;
      readonly information: LeaderInformation;
    }
  /** A job that a JobManager recovers: a job graph up to Flink 1.20, an execution plan from 2.0 on. */
  | { readonly kind: 'plan'; readonly key: string; readonly jobId: string; readonly handle: FlinkStateHandle }
  | {
      readonly kind: 'checkpoint';
      readonly key: string;
      readonly checkpointId: number;
      readonly handle: FlinkStateHandle;
    }
  | { readonly kind: 'counter'; readonly key: string; readonly nextCheckpointId: number }
  /** A key of Flink's with a value that Flink cannot read either. */
  | { readonly kind: 'unreadable'; readonly key: string; readonly text: string; readonly reason: string }
  /** Anything else, `address` and `sessionId` of Flink 1.12 to 1.14 among it. */
  | { readonly kind: 'other'; readonly key: string; readonly text: string };

/** What a key and its value say. Never throws: what cannot be read is an entry too. */
export function readEntry(key: string, text: string): FlinkHaEntry {
  const componentId = componentIdOfKey(key);
  if (componentId !== undefined) return leaderEntry(key, componentId, text);
  if (isCheckpointKey(key)) return checkpointEntry(key, text);
  if (isPlanKey(key)) return planEntry(key, text);
  return key === COUNTER_KEY ? counterEntry(key, text) : { kind: 'other', key, text };
}

/**
 * The highest id of a checkpoint among the keys, -1 for none. One whose value cannot be read has used up its id too: its
 * directory may be there.
 */
export function newestCheckpointId(entries: readonly FlinkHaEntry[]): number {
  return entries.reduce((newest, { key }) => Math.max(newest, checkpointIdOfKey(key) ?? -1), -1);
}

/** The value of an entry. */
export function writeEntry(entry: FlinkHaEntry): string {
  switch (entry.kind) {
    case 'leader':
      return renderLeaderInformation(entry.information);
    case 'plan':
    case 'checkpoint':
      return encodeHandleText(entry.handle);
    case 'counter':
      return String(entry.nextCheckpointId);
    case 'unreadable':
    case 'other':
      return entry.text;
    default:
      return assertNever(entry);
  }
}

function leaderEntry(key: string, componentId: string, text: string): FlinkHaEntry {
  const information = parseLeaderInformation(text);
  return information === undefined
    ? unreadable(key, text, 'it is no "<session>,<address>", which Flink takes for "no leader"')
    : { kind: 'leader', key, componentId, information };
}

function checkpointEntry(key: string, text: string): FlinkHaEntry {
  const checkpointId = checkpointIdOfKey(key);
  if (checkpointId === undefined) return unreadable(key, text, 'the key names no checkpoint id');
  return withHandle(key, text, (handle) => ({ kind: 'checkpoint', key, checkpointId, handle }));
}

function planEntry(key: string, text: string): FlinkHaEntry {
  const jobId = jobIdOfPlanKey(key);
  if (jobId === undefined) return unreadable(key, text, 'the key names no job id');
  return withHandle(key, text, (handle) => ({ kind: 'plan', key, jobId, handle }));
}

function counterEntry(key: string, text: string): FlinkHaEntry {
  const nextCheckpointId = /^(?:0|[1-9]\d{0,18})$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(nextCheckpointId)
    ? { kind: 'counter', key, nextCheckpointId }
    : unreadable(key, text, 'it is no whole number');
}

function withHandle(key: string, text: string, entry: (handle: FlinkStateHandle) => FlinkHaEntry): FlinkHaEntry {
  try {
    return entry(decodeHandleText(text, key));
  } catch (error) {
    if (error instanceof FlinkDataError) return unreadable(key, text, error.message);
    throw error;
  }
}

function unreadable(key: string, text: string, reason: string): FlinkHaEntry {
  return { kind: 'unreadable', key, text, reason };
}
