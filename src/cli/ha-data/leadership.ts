/**
 * Whether a JobManager leads: seen, not computed. The times in a lease record are those of somebody else's clock, so the
 * record is watched for as long as it lasts. Whoever leads renews it in that time.
 */
import type { ConfigMapShape } from '../../flink/index.ts';
import { LEADER_ANNOTATION, readFlinkConfigMap } from '../../flink/index.ts';
import type { Clock } from '../../lib/clock.ts';
import { waitFor } from '../../lib/waiting.ts';
import { durationText } from '../output/units.ts';
import { RepairRefusedError } from './errors.ts';
import type { HaCluster } from './source.ts';

/** Between two looks. */
const POLL_MS = 500;
/** A renewal may be on its way when the record runs out. */
const MARGIN_MS = 1_000;
/** Of Flink, unless it is told otherwise. */
const USUAL_MS = 15_000;
/** Nobody waits longer for a lease that somebody edited. */
const LONGEST_MS = 5 * 60_000;

/** A lease that somebody holds, or held until he died. */
interface HeldLease {
  readonly configMap: string;
  readonly annotation: string;
  readonly holder: string;
  readonly durationMs: number;
}

/** The leases that are not released. */
function heldLeases(shapes: readonly ConfigMapShape[]): HeldLease[] {
  return shapes.flatMap((shape) => {
    const lease = readFlinkConfigMap(shape)?.lease;
    const annotation = shape.metadata.annotations?.[LEADER_ANNOTATION];
    if (lease === undefined || lease.state === 'none' || annotation === undefined) return [];
    // Whoever leads writes a record over one that cannot be read.
    const { holderIdentity: holder, leaseDurationMs: durationMs } =
      lease.state === 'read' ? lease.record : { holderIdentity: 'somebody', leaseDurationMs: USUAL_MS };
    return holder === '' ? [] : [{ configMap: shape.metadata.name, annotation, holder, durationMs }];
  });
}

/**
 * Returns when no JobManager can be leading by these ConfigMaps.
 * @throws RepairRefusedError when one renews its lease meanwhile, or the lease lasts too long to be waited for
 */
export async function untilNobodyLeads(
  cluster: HaCluster,
  shapes: readonly ConfigMapShape[],
  { clock, say }: { readonly clock: Clock; readonly say: (line: string) => void },
): Promise<void> {
  const held = heldLeases(shapes);
  const waitMs = Math.max(0, ...held.map(({ durationMs }) => durationMs)) + MARGIN_MS;
  if (held.length === 0) return;
  if (waitMs > LONGEST_MS) {
    throw new RepairRefusedError(
      `the lease lasts ${durationText(waitMs)}, which nobody waits for: make sure that no JobManager runs, and use --force`,
    );
  }
  say(`watching the lease for ${durationText(waitMs)}, to see that no JobManager renews it`);
  const { CONFIG_MAPS } = await import('../../kube/index.ts');
  const { signal } = new AbortController();
  const end = clock.monotonic() + waitMs;
  while (clock.monotonic() < end) {
    await waitFor(clock, Math.min(POLL_MS, Math.max(0, end - clock.monotonic())), signal);
    for (const { configMap: name, annotation, holder } of held) {
      const found = await cluster.client.get(CONFIG_MAPS, { namespace: cluster.namespace, name }, { signal });
      if (found === undefined || found.metadata?.annotations?.[LEADER_ANNOTATION] === annotation) continue;
      throw new RepairRefusedError(
        `a JobManager leads: ${holder} held the lease in ${name}, which was renewed a moment ago. Nothing was changed. ` +
          'Stop all JobManagers of the cluster, and run this again',
      );
    }
  }
}
