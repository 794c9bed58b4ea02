import { expect, test } from 'vitest';
import type { ProgressListener } from '../../src/controller/informer.ts';
import { OwnWrites, type View } from '../../src/controller/own-writes.ts';
import { Store } from '../../src/controller/store.ts';
import { CONFIG_MAPS, type ConfigMap, isNewer } from '../../src/kube/index.ts';
import { TestClock } from '../../src/stream/testing/test-clock.ts';
import { aMap } from './builders.ts';

const { signal } = new AbortController();

/** A copy that a test moves on by hand, and a server behind it. */
class HandView implements View {
  readonly resource = CONFIG_MAPS;
  readonly selection = {};
  readonly store = new Store<ConfigMap>({ indexes: {} });
  readonly server = new Map<string, ConfigMap>();
  readonly asked: string[] = [];
  private readonly listeners = new Set<ProgressListener>();
  private version = '1';

  hasSeen(resourceVersion: string): boolean {
    return !isNewer(resourceVersion, this.version);
  }

  onProgress(listener: ProgressListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  async refresh(key: string): Promise<void> {
    this.asked.push(key);
    const object = this.server.get(key);
    if (object === undefined) this.store.absent(key);
    else this.store.apply(object);
  }

  get listenerCount(): number {
    return this.listeners.size;
  }

  event(object: ConfigMap, isDeletion = false): void {
    if (isDeletion) this.store.delete(object);
    else this.store.apply(object);
    this.version = object.metadata?.resourceVersion ?? this.version;
    for (const listener of this.listeners) listener(`flights/${object.metadata?.name}`);
  }

  bookmark(version: string): void {
    this.version = version;
    for (const listener of this.listeners) listener(undefined);
  }
}

function setUp() {
  const clock = new TestClock();
  const woken: string[] = [];
  const writes = new OwnWrites({ clock, wake: (owner) => woken.push(owner) });
  return { clock, woken, writes, view: new HandView() };
}

test('who has written nothing may begin', () => {
  expect(setUp().writes.stand('flights/job')).toBe('upToDate');
});

test('after a write the owner waits for the event, and is woken by it', () => {
  const { writes, view, woken, clock } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  expect(writes.stand('flights/job')).toBe('wait');
  expect(writes.stand('flights/other')).toBe('upToDate');
  view.event(aMap('somebody-elses', 5));
  expect(woken).toEqual([]);
  view.event(aMap('child', 7));
  expect(woken).toEqual(['flights/job']);
  expect(writes.stand('flights/job')).toBe('upToDate');
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('an event from before the write is not the one that is waited for', () => {
  const { writes, view, woken } = setUp();
  writes.wrote('flights/job', view, aMap('child', 10));
  expect(writes.stand('flights/job')).toBe('wait');
  view.event(aMap('child', 9));
  expect(woken).toEqual([]);
  expect(writes.stand('flights/job')).toBe('wait');
});

test('a later version of the object will do, and so will a stream that has come past it', () => {
  const { writes, view } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  view.store.apply(aMap('child', 8));
  expect(writes.stand('flights/job')).toBe('upToDate');
  const { view: other, woken, writes: more } = setUp();
  more.wrote('flights/job', other, aMap('child', 7));
  expect(more.stand('flights/job')).toBe('wait');
  other.bookmark('7');
  expect(woken).toEqual(['flights/job']);
});

test('a write that changed nothing is seen already', () => {
  const { writes, view } = setUp();
  view.event(aMap('child', 7));
  writes.wrote('flights/job', view, aMap('child', 7));
  expect(writes.stand('flights/job')).toBe('upToDate');
});

test('several writes are all waited for', () => {
  const { writes, view, woken } = setUp();
  const pods = new HandView();
  writes.wrote('flights/job', view, aMap('a', 7));
  writes.wrote('flights/job', pods, aMap('b', 8));
  expect(writes.stand('flights/job')).toBe('wait');
  view.event(aMap('a', 7));
  expect(woken).toEqual([]);
  pods.event(aMap('b', 8));
  expect(woken).toEqual(['flights/job']);
});

test('of several writes to one object the last is waited for', () => {
  const { writes, view, woken } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  writes.wrote('flights/job', view, aMap('child', 9));
  expect(writes.stand('flights/job')).toBe('wait');
  view.event(aMap('child', 7));
  expect(woken).toEqual([]);
  view.event(aMap('child', 9));
  expect(woken).toEqual(['flights/job']);
});

test('a deletion is seen when the object is gone, is being deleted, or is another', () => {
  for (const after of ['gone', 'terminating', 'other'] as const) {
    const { writes, view, woken } = setUp();
    view.event(aMap('child', 5));
    writes.deleted('flights/job', view, 'flights/child', 'uid-of-child');
    expect(writes.stand('flights/job')).toBe('wait');
    view.event(aMap('child', 6));
    expect(woken).toEqual([]);
    if (after === 'gone') view.event(aMap('child', 8), true);
    else if (after === 'terminating') view.event(aMap('child', 8, { deletionTimestamp: '2026-11-21T10:00:00Z' }));
    else view.event(aMap('child', 8, { uid: 'another' }));
    expect(woken).toEqual(['flights/job']);
  }
});

test('an object that was made and deleted before its event came is waited for through both', () => {
  const { writes, view, woken } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  writes.deleted('flights/job', view, 'flights/child', 'uid-of-child');
  expect(writes.stand('flights/job')).toBe('wait');
  view.event(aMap('child', 7));
  expect(woken).toEqual([]);
  view.event(aMap('child', 8), true);
  expect(woken).toEqual(['flights/job']);
});

test('after thirty seconds the server is asked, and what it says is in the copy', async () => {
  const { writes, view, woken, clock } = setUp();
  view.server.set('flights/child', aMap('child', 7));
  writes.wrote('flights/job', view, aMap('child', 7));
  writes.deleted('flights/job', view, 'flights/gone', 'uid-of-gone');
  view.store.apply(aMap('gone', 3));
  expect(writes.stand('flights/job')).toBe('wait');
  clock.advanceBy(29_999);
  expect(woken).toEqual([]);
  clock.advanceBy(1);
  expect(woken).toEqual(['flights/job']);
  expect(writes.stand('flights/job')).toBe('ask');
  await writes.ask('flights/job', signal);
  expect(view.asked.sort()).toEqual(['flights/child', 'flights/gone']);
  expect(view.store.get('flights/child')?.metadata?.resourceVersion).toBe('7');
  expect(view.store.get('flights/gone')).toBe(undefined);
  expect(writes.stand('flights/job')).toBe('upToDate');
});

test('of several objects of one kind each is asked for', async () => {
  const { writes, view, clock } = setUp();
  writes.wrote('flights/job', view, aMap('a', 7));
  writes.wrote('flights/job', view, aMap('b', 8));
  writes.stand('flights/job');
  clock.advanceBy(30_000);
  await writes.ask('flights/job', signal);
  expect(view.asked.sort()).toEqual(['flights/a', 'flights/b']);
});

test('looked at again while it waits, it waits no longer for that', () => {
  const { writes, view, woken, clock } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  expect(writes.stand('flights/job')).toBe('wait');
  clock.advanceBy(20_000);
  expect(writes.stand('flights/job')).toBe('wait');
  clock.advanceBy(10_000);
  expect(woken).toEqual(['flights/job']);
  clock.advanceBy(60_000);
  expect(woken).toEqual(['flights/job']);
});

test('looked at again while it waits, and then seen, it leaves no timer that would wake it once more', () => {
  const { writes, view, clock } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  writes.stand('flights/job');
  clock.advanceBy(10_000);
  writes.stand('flights/job');
  view.event(aMap('child', 7));
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});

test('a write whose answer was lost is asked for at once, and again while asking fails', async () => {
  const { writes, view } = setUp();
  writes.unsure('flights/job', view, 'flights/child');
  expect(writes.stand('flights/job')).toBe('ask');
  const working = view.refresh;
  view.refresh = async () => {
    throw new Error('no network');
  };
  await expect(writes.ask('flights/job', signal)).rejects.toThrow('no network');
  expect(writes.stand('flights/job')).toBe('ask');
  view.refresh = working;
  await writes.ask('flights/job', signal);
  expect(writes.stand('flights/job')).toBe('upToDate');
});

test('closed, it wakes nobody and leaves neither timer nor listener', () => {
  const { writes, view, woken, clock } = setUp();
  writes.wrote('flights/job', view, aMap('child', 7));
  writes.stand('flights/job');
  expect(view.listenerCount).toBe(1);
  writes.close();
  view.event(aMap('child', 7));
  expect(woken).toEqual([]);
  expect(view.listenerCount).toBe(0);
  expect(clock.nextTimerAt).toBe(Number.POSITIVE_INFINITY);
});
