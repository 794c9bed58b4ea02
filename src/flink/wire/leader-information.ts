/** Who leads a component of Flink: the session that was granted, and where it is reached. */
import { IllegalArgumentException } from '../../lib/java-errors.ts';

/** Follows Flink's LeaderInformation. */
export interface LeaderInformation {
  /** A UUID in lower case. */
  readonly sessionId: string;
  readonly address: string;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** `<session>,<address>` as a leader key of a ConfigMap has it; undefined when it says nothing. The address may have commas. */
export function parseLeaderInformation(text: string): LeaderInformation | undefined {
  const comma = text.indexOf(',');
  const sessionId = text.slice(0, comma);
  return comma < 0 || !UUID.test(sessionId) ? undefined : { sessionId, address: text.slice(comma + 1) };
}

/** The value of a leader key. */
export function renderLeaderInformation({ sessionId, address }: LeaderInformation): string {
  return `${sessionId},${address}`;
}

/** A UUID from its two longs, as `java.util.UUID` prints it. */
export function uuidFromLongs(most: bigint, least: bigint): string {
  const hex = ((BigInt.asUintN(64, most) << 64n) | BigInt.asUintN(64, least)).toString(16).padStart(32, '0');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Most and least significant bits of a UUID. @throws IllegalArgumentException for other text */
export function longsOfUuid(uuid: string): readonly [most: bigint, least: bigint] {
  if (!UUID.test(uuid)) throw new IllegalArgumentException(`the session id "${uuid}" is no UUID in lower case`);
  const hex = uuid.replaceAll('-', '');
  return [BigInt(`0x${hex.slice(0, 16)}`), BigInt(`0x${hex.slice(16)}`)];
}
