/** What `flinkjob ha repair` does. */

import {
  type ConfigMapShape,
  flinkLineOf,
  type HaInspection,
  type MarkerUid,
  planRepair,
  type RefusedRepair,
  type RepairPlan,
  type RepairStep,
  type RepairWish,
} from '../../flink/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { type CliIo, EXIT } from '../command.ts';
import { printable } from '../inspect/printable.ts';
import { counted } from '../output/units.ts';
import { writeResult } from '../output/write-result.ts';
import { applyRepair } from './apply-repair.ts';
import { chosenCluster, inspectAll } from './choose-cluster.ts';
import { RepairRefusedError } from './errors.ts';
import { section } from './ha-lines.ts';
import { untilNobodyLeads } from './leadership.ts';
import { isOwn } from './own-job.ts';
import { type HaCluster, type HaSourceOptions, withHaSource } from './source.ts';
import { StoredFiles, storageMapping } from './stored-files.ts';
import { verifiedCluster } from './verify-ha.ts';

export interface RepairHaOptions extends HaSourceOptions {
  readonly storage?: readonly string[];
  /** A release of Flink: the one that is to read the handles. */
  readonly toFlink?: string;
  readonly dropKey?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly force?: boolean;
  readonly output: 'table' | 'json' | 'yaml';
}

/** What is or would be done. */
export interface HaRepair {
  readonly clusterId: string | null;
  readonly namespace: string | null;
  readonly applied: boolean;
  readonly steps: readonly Pick<RepairStep, 'action' | 'configMap' | 'key' | 'why'>[];
  readonly refused: readonly RefusedRepair[];
}

/** What comes after the plan. */
type Next = 'apply' | 'show' | 'ask' | 'refuse';

/** @returns 0 when all that was asked for is done, planned or not needed; else 1 */
export function repairHa(clusterId: string | undefined, options: RepairHaOptions, io: CliIo): Promise<number> {
  const { dryRun = false, storage = [], output } = options;
  const wish = wishOf(options);
  const files = new StoredFiles(storage.map(storageMapping));
  return withHaSource(clusterId, options, io, async (source) => {
    const { cluster } = source;
    if (cluster === undefined && !dryRun) {
      const why = 'a file is not repaired: name the cluster, or add --dry-run to see what would be done';
      throw new RepairRefusedError(why);
    }
    refuseOwnJob(inspectAll(await source.read()), clusterId, source.name);
    const found = await verifiedCluster(source, clusterId, files);
    const plan = planRepair({ ...found, now: Date.now() }, wish);
    const next = nextOf(plan, options);
    if (next === 'apply' && cluster !== undefined) await apply(cluster, found.shapes, plan, options.force === true, io);
    const record = recordOf(found.inspection, plan, next);
    writeResult(record, () => repairLines(record, io), output === 'table' ? 'text' : output, io);
    if (next === 'ask') io.stderr.write('Nothing was changed. To do this, run the same with --yes.\n');
    return next === 'ask' || next === 'refuse' ? EXIT.failed : EXIT.ok;
  });
}

/** The leader of a TypeScript job does these repairs itself, under its epoch. */
function refuseOwnJob(all: readonly HaInspection[], name: string | undefined, source: string): void {
  const chosen = chosenCluster(all, name, source);
  if (!isOwn(chosen)) return;
  throw new RepairRefusedError(
    `${chosen.clusterId} is a TypeScript job: its leader passes over a broken checkpoint, ends removals and keeps its counter. ` +
      'To start from another checkpoint, say so in the job (restoreFrom)',
  );
}

/** Nothing is done by halves: when a part of what was asked for is refused, all of it is. */
function nextOf({ steps, refused }: RepairPlan, { dryRun = false, yes = false }: RepairHaOptions): Next {
  if (refused.length > 0) return 'refuse';
  if (dryRun || steps.length === 0) return 'show';
  return yes ? 'apply' : 'ask';
}

async function apply(
  cluster: HaCluster,
  shapes: readonly ConfigMapShape[],
  { steps }: RepairPlan,
  force: boolean,
  io: CliIo,
): Promise<void> {
  const say = (line: string): unknown => io.stderr.write(`${line}\n`);
  if (!force) await untilNobodyLeads(cluster, shapes, { clock: systemClock, say });
  await applyRepair(cluster, shapes, steps, !force);
}

function recordOf({ clusterId, namespace }: HaInspection, { steps, refused }: RepairPlan, next: Next): HaRepair {
  return {
    clusterId,
    namespace,
    applied: next === 'apply',
    steps: steps.map(({ action, configMap, key, why }) => ({ action, configMap, key, why })),
    refused,
  };
}

function wishOf({ toFlink, dropKey }: RepairHaOptions): RepairWish {
  return {
    ...(toFlink === undefined ? {} : { toUid: markerUidOf(toFlink) }),
    ...(dropKey === undefined ? {} : { dropKey }),
  };
}

function markerUidOf(version: string): MarkerUid {
  const uid = flinkLineOf(version)?.markerUid;
  if (uid !== undefined) return uid;
  throw new RepairRefusedError(
    `--to-flink ${version}: handles can be rewritten for Flink 1.15 and later, such as 1.18 or 2.3`,
  );
}

function repairLines({ clusterId, namespace, applied, steps, refused }: HaRepair, io: CliIo): string[] {
  const where = namespace === null ? '' : ` in namespace ${namespace}`;
  const what =
    steps.length === 0 ? 'nothing to repair' : `${counted(steps.length, 'repair')} ${applied ? 'done' : 'planned'}`;
  return [
    printable(`cluster ${clusterId}${where}: ${what}`),
    ...section(
      ['ACTION', 'CONFIGMAP', 'KEY', 'WHY'],
      steps.map(({ action, configMap, key, why }) => [action, configMap, key, why]),
      io,
    ),
    ...section(
      ['REFUSED', 'WHY'],
      refused.map(({ what: wanted, why }) => [wanted, why]),
      io,
    ),
  ];
}
