/**
 * The record of who leads a Flink cluster, in an annotation of its ConfigMap. Its fields are not those of a Lease: the
 * duration is called leaseDuration, and up to Flink 1.20 a decimal number of seconds, from 2.0 on ISO text.
 */

/** One record. */
export interface FlinkLeaseRecord {
  /** Empty after a release. */
  readonly holderIdentity: string;
  readonly leaseDurationMs: number;
  /** How the duration is written: what another release cannot read makes it take over at once. */
  readonly durationForm: 'seconds' | 'iso';
  /** UTC with six fractional digits, kept as text: a Date would lose three of them. */
  readonly acquireTime: string;
  readonly renewTime: string;
  readonly leaderTransitions: number;
}

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$/;
const DURATION = /^PT(?:(\d{1,9})H)?(?:(\d{1,9})M)?(?:(\d{1,9}(?:\.\d{1,9})?)S)?$/;

/** The record in an annotation; undefined for what Flink does not take for one either. */
export function parseLeaseRecord(text: string): FlinkLeaseRecord | undefined {
  const record = objectIn(text);
  const duration = durationIn(record.leaseDuration);
  const { holderIdentity, acquireTime, renewTime, leaderTransitions } = record;
  if (duration === undefined || typeof holderIdentity !== 'string') return undefined;
  if (!isTime(acquireTime) || !isTime(renewTime) || !Number.isSafeInteger(leaderTransitions)) return undefined;
  return { holderIdentity, ...duration, acquireTime, renewTime, leaderTransitions: leaderTransitions as number };
}

/** The text of an annotation, as Flink writes it. */
export function renderLeaseRecord(record: FlinkLeaseRecord): string {
  const { holderIdentity, leaseDurationMs, durationForm, acquireTime, renewTime, leaderTransitions } = record;
  const text = (value: string): string => JSON.stringify(value);
  const duration = durationForm === 'iso' ? text(isoDuration(leaseDurationMs)) : decimalSeconds(leaseDurationMs);
  return `{"holderIdentity":${text(holderIdentity)},"leaseDuration":${duration},"acquireTime":${text(acquireTime)},"renewTime":${text(renewTime)},"leaderTransitions":${leaderTransitions}}`;
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function durationIn(value: unknown): Pick<FlinkLeaseRecord, 'leaseDurationMs' | 'durationForm'> | undefined {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) {
    return { leaseDurationMs: Math.round(value * 1_000), durationForm: 'seconds' };
  }
  const match = typeof value === 'string' && value !== 'PT' ? DURATION.exec(value) : null;
  if (match === null) return undefined;
  const [, hours = '0', minutes = '0', seconds = '0'] = match;
  const leaseDurationMs = Math.round((Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000);
  return { leaseDurationMs, durationForm: 'iso' };
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}

/** `15.000000000` */
function decimalSeconds(durationMs: number): string {
  return (durationMs / 1_000).toFixed(9);
}

/** As `java.time.Duration` prints itself. */
function isoDuration(durationMs: number): string {
  const hours = Math.floor(durationMs / 3_600_000);
  const minutes = Math.floor((durationMs % 3_600_000) / 60_000);
  const seconds = (durationMs % 60_000) / 1_000;
  const parts = [hours > 0 ? `${hours}H` : '', minutes > 0 ? `${minutes}M` : '', seconds > 0 ? `${seconds}S` : ''];
  return `PT${parts.join('') || '0S'}`;
}
