import { expect, test } from 'vitest';
import { byOwnerUid } from '../../../src/controller/index.ts';
import { Store } from '../../../src/controller/store.ts';
import { CONFIG_MAPS, type KubeObject, POD_DISRUPTION_BUDGETS, SERVICES } from '../../../src/kube/index.ts';
import { type Child, childrenOf, objectFacts } from '../../../src/reconcilers/flinkjob/children.ts';
import { childrenSeen } from '../../../src/reconcilers/flinkjob/children-seen.ts';
import { aJob, JOB_ID, type JobStory, UID } from '../../builders/flinkjob-facts.ts';

const KINDS = [CONFIG_MAPS, SERVICES, POD_DISRUPTION_BUDGETS];
const wantedOf = (story: JobStory): readonly Child[] => {
  const { object, desired, revisions } = story.facts();
  const [revision] = revisions.values();
  if (revision === undefined) throw new TypeError('no revision');
  const facts = objectFacts(object, desired, revision, { jobId: JOB_ID, since: '2026-11-21T10:00:00Z' });
  return childrenOf(facts, undefined).filter(({ kind }) => KINDS.includes(kind));
};
const alone = aJob().recorded();
const withStandby = aJob({ highAvailability: { standbys: 1 } }).recorded();

function seen(wanted: readonly Child[], there: readonly Child[], done: readonly string[] = [], story = alone) {
  const copies = KINDS.map((kind) => {
    const store = new Store<KubeObject, 'owner'>({ indexes: { owner: byOwnerUid } });
    for (const [at, child] of there.filter((each) => each.kind === kind).entries()) {
      const metadata = { ...child.manifest.metadata, uid: `uid-${child.name}`, resourceVersion: `${at + 1}` };
      store.apply({ ...child.manifest, metadata } as KubeObject);
    }
    return [kind, { store }] as const;
  });
  const look = { wanted, copies: new Map(copies), revisions: story.facts().revisions, uid: UID, done: new Set(done) };
  const { unmet, surplus } = childrenSeen(look);
  return { unmet, surplus: surplus.map(({ name, uid }) => ({ name, uid })) };
}

const budget = wantedOf(withStandby).find(({ kind }) => kind === POD_DISRUPTION_BUDGETS)?.name ?? '';

test('what is there as it was made is neither missing nor too much', () => {
  expect(seen(wantedOf(withStandby), wantedOf(withStandby))).toEqual({ unmet: [], surplus: [] });
});

test('a budget for standbys that nobody asks for any more is too much, and is named by its uid', () => {
  const { unmet, surplus } = seen(wantedOf(alone), wantedOf(withStandby));
  expect(unmet).toEqual([]);
  expect(surplus).toEqual([{ name: budget, uid: `uid-${budget}` }]);
});

test('what was removed just now is not removed again, whatever the copy shows', () => {
  expect(seen(wantedOf(alone), wantedOf(withStandby), [budget]).surplus).toEqual([]);
});

test('the spec of a revision stays while the revision is on record, and no longer', () => {
  const [spec] = wantedOf(aJob({ args: ['older'] }).recorded());
  if (spec === undefined) throw new TypeError('no ConfigMap');
  const onRecord = aJob({ args: ['older'] }).recorded();
  expect(seen(wantedOf(alone), [...wantedOf(alone), spec], [], onRecord).surplus).toEqual([]);
  expect(seen(wantedOf(alone), [...wantedOf(alone), spec]).surplus).toEqual([
    { name: spec.name, uid: `uid-${spec.name}` },
  ]);
});

test('an object of somebody else is no surplus', () => {
  const foreign = wantedOf(withStandby).map((child) => ({
    ...child,
    manifest: { ...child.manifest, metadata: { ...child.manifest.metadata, ownerReferences: [] } },
  }));
  expect(seen(wantedOf(alone), [...wantedOf(alone), ...foreign.filter(({ name }) => name === budget)]).surplus).toEqual(
    [],
  );
});
