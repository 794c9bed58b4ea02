/** What `flinkjob ha verify` found, as tables. */
import type { CliIo } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { bytesText } from '../output/units.ts';
import { findingLines, section } from './ha-lines.ts';
import type { HaVerification, VerifiedPointer } from './verification-record.ts';

/** The lines for people. */
export function verificationLines({ clusterId, namespace, pointers, findings }: HaVerification, io: CliIo): string[] {
  const count = (verdict: VerifiedPointer['verdict']): number =>
    pointers.filter((pointer) => pointer.verdict === verdict).length;
  const where = namespace === null ? '' : ` in namespace ${namespace}`;
  const title = `cluster ${clusterId}${where}: ${pointers.length} pointers, ${count('good')} good, ${count('bad')} bad, ${count('unchecked')} not checked`;
  return [
    printable(title),
    ...section(['VERDICT', 'POINTER', 'BYTES', 'STATE FILES', 'FILE'], pointers.map(pointerRow), io),
    ...findingLines(findings, io),
  ];
}

function pointerRow({ verdict, key, bytes, stateFiles, uri }: VerifiedPointer): string[] {
  return [verdict, key, bytesText(bytes), stateFiles === null ? '-' : String(stateFiles), uri ?? '(in the pointer)'];
}
