/**
 * What Flink keeps in a `connection_info` node of ZooKeeper: the address of a leader and its session, as one Java object
 * stream. An empty node means that nobody leads. Follows Flink's ZooKeeperLeaderElectionDriver.
 */
import { DataInput, type DataSubject } from './data-input.ts';
import { DataOutput } from './data-output.ts';
import { JAVA_UUID } from './java-classes.ts';
import { JavaObjectInput } from './java-object-input.ts';
import { JavaObjectOutput } from './java-object-output.ts';
import { type LeaderInformation, longsOfUuid, uuidFromLongs } from './leader-information.ts';

/**
 * The leader named in a node; undefined when it is empty.
 * @param name the path of the node, for messages
 * @throws FlinkDataError FLINK_CONNECTION_INFO_CORRUPT
 */
export function decodeConnectionInfo(bytes: Uint8Array, name: string): LeaderInformation | undefined {
  if (bytes.length === 0) return undefined;
  const subject: DataSubject = { code: 'FLINK_CONNECTION_INFO_CORRUPT', name };
  const input = new JavaObjectInput(bytes, subject);
  const address = new DataInput(input.blockData(), subject).utf();
  input.object([JAVA_UUID]);
  const least = input.data.int64();
  const most = input.data.int64();
  return { sessionId: uuidFromLongs(most, least), address };
}

/** The bytes of a node. @throws IllegalArgumentException when the session id is no UUID or the address too long */
export function encodeConnectionInfo({ sessionId, address }: LeaderInformation): Uint8Array {
  const [most, least] = longsOfUuid(sessionId);
  const block = new DataOutput();
  block.utf(address);
  const output = new JavaObjectOutput();
  output.blockData(block.written());
  output.object(JAVA_UUID);
  output.data.int64(least);
  output.data.int64(most);
  return output.data.written();
}
