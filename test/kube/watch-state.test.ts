import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ConfigMap } from '../../src/kube/index.ts';
import {
  firstWatchStep,
  isNewer,
  type WatchAction,
  type WatchEvent,
  type WatchFacts,
  type WatchInput,
  type WatchState,
  watchStep,
} from '../../src/kube/watch-state.ts';

const object = (name: string, resourceVersion: string): ConfigMap => ({ metadata: { name, resourceVersion } });
const line = (type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK', name: string, version: string): WatchInput => ({
  got: 'line',
  line: { type, object: object(name, version) },
});
const failure = (isExpired = false, retryAfterMs?: number): WatchInput => ({
  got: 'watchFailed',
  failure: { error: new Error('broken'), isExpired, retryAfterMs },
});
const page = (items: ConfigMap[], resourceVersion: string, next?: string): WatchInput => ({
  got: 'page',
  items,
  resourceVersion,
  next,
});

/** The machine with a clock that stands still unless told. */
class Machine {
  state: WatchState;
  action: WatchAction;
  readonly events: WatchEvent<ConfigMap>[] = [];
  facts: WatchFacts = { now: 0, random: 0 };

  constructor() {
    const first = firstWatchStep<ConfigMap>(this.facts);
    this.state = first.state;
    this.action = first.action;
  }

  get(...inputs: WatchInput[]): this {
    for (const input of inputs) {
      const step = watchStep<ConfigMap>(this.state, input, this.facts);
      this.state = step.state;
      this.action = step.action;
      this.events.push(...step.events);
    }
    return this;
  }

  get told(): string[] {
    return this.events.map((event) => {
      if (event.type === 'interrupted') return event.reason;
      return 'object' in event ? `${event.type} ${event.object.metadata?.name}` : event.type;
    });
  }
}

const watching = () => new Machine().get(page([object('a', '5')], '10'), { got: 'opened' });

test('it begins with a list of everything', () => {
  expect(new Machine().action).toEqual({ do: 'list', limit: 100, next: undefined });
});

test('pages are told as one list, and the watch begins where the list was read', () => {
  const machine = new Machine().get(page([object('a', '5')], '10', 'more'));
  expect(machine.action).toEqual({ do: 'list', limit: 100, next: 'more' });
  machine.get(page([object('b', '6')], '10'));
  expect(machine.told).toEqual(['init', 'initApply a', 'initApply b', 'initDone']);
  expect(machine.action).toEqual({ do: 'open', resourceVersion: '10', timeoutSeconds: 300 });
});

test('watches are asked for five to ten minutes, spread by chance', () => {
  const machine = new Machine();
  machine.facts = { now: 0, random: 1 };
  expect(machine.get(page([], '10')).action).toMatchObject({ timeoutSeconds: 600 });
});

test('a list whose pages expired is asked for in one piece, after a pause, and told from its beginning', () => {
  const machine = new Machine().get(page([object('a', '5')], '10', 'more'));
  machine.get({ got: 'listFailed', failure: { error: new Error('410'), isExpired: true, retryAfterMs: undefined } });
  expect(machine.action).toEqual({ do: 'wait', ms: 800 });
  expect(machine.get({ got: 'waited' }).action).toEqual({ do: 'list', limit: 0, next: undefined });
  machine.get(page([object('a', '5'), object('b', '6')], '11'));
  expect(machine.told).toEqual(['init', 'initApply a', 'expired', 'init', 'initApply a', 'initApply b', 'initDone']);
});

test('events and bookmarks move the version from which it goes on', () => {
  const machine = watching().get(line('ADDED', 'b', '11'), line('BOOKMARK', '', '50'), {
    got: 'watchFailed',
    failure: { error: new Error(), isExpired: false, retryAfterMs: undefined },
  });
  expect(machine.get({ got: 'waited' }).action).toMatchObject({ do: 'open', resourceVersion: '50' });
});

test('what is older than what was told is not told', () => {
  const machine = watching().get(line('MODIFIED', 'a', '12'), line('MODIFIED', 'a', '11'), line('DELETED', 'a', '12'));
  expect(machine.told.slice(3)).toEqual(['apply a']);
});

test('versions are compared as the numbers they look like, of any length', () => {
  expect([
    isNewer('10', '9'),
    isNewer('9', '10'),
    isNewer('9', '9'),
    isNewer('99999999999999999999', '9999999999999999999'),
  ]).toEqual([true, false, false, true]);
});

test('an end in order is followed by a watch without a pause, unless it came at once and told nothing', () => {
  const short = watching().get({ got: 'end' });
  expect([short.told.at(-1), short.action.do]).toEqual(['endedAtOnce', 'wait']);
  const withEvent = watching().get(line('ADDED', 'b', '11'), { got: 'end' });
  expect(withEvent.action).toMatchObject({ do: 'open', resourceVersion: '11' });
  const long = watching();
  long.facts = { now: 60_000, random: 0 };
  expect(long.get({ got: 'end' }).action).toMatchObject({ do: 'open', resourceVersion: '10' });
});

test('a version that is too old makes it list, and no list from before it is believed', () => {
  const machine = watching().get(line('ADDED', 'b', '20'), failure(true), { got: 'waited' });
  expect(machine.action).toMatchObject({ do: 'list' });
  machine.get(page([object('a', '5')], '15'));
  expect(machine.told.slice(-2)).toEqual(['expired', 'staleList']);
  machine.get({ got: 'waited' }, page([object('b', '20')], '20'));
  expect(machine.told.slice(-3)).toEqual(['init', 'initApply b', 'initDone']);
});

test('a server that stays behind was restored from a backup, and is believed in the end', () => {
  const machine = watching().get(failure(true), { got: 'waited' });
  let lists = 0;
  const isDoing = (what: WatchAction['do']) => machine.action.do === what;
  for (; isDoing('list'); lists += 1) {
    machine.get(page([], '3'));
    if (isDoing('wait')) machine.get({ got: 'waited' });
  }
  expect(lists).toBe(6);
  expect(machine.action).toMatchObject({ do: 'open', resourceVersion: '3' });
});

test('pauses double up to half a minute, are spread by chance, and begin anew after two quiet minutes', () => {
  const machine = watching();
  const pauses: number[] = [];
  for (let count = 0; count < 7; count += 1) {
    machine.get(failure());
    pauses.push((machine.action as { ms: number }).ms);
    machine.get({ got: 'waited' });
  }
  expect(pauses).toEqual([800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000]);
  machine.facts = { now: 200_000, random: 0.5 };
  expect(machine.get(failure()).action).toEqual({ do: 'wait', ms: 1_200 });
});

test('what the server asks for is waited for, also when that is longer than the own pause', () => {
  expect(watching().get(failure(false, 7_000)).action).toEqual({ do: 'wait', ms: 7_000 });
});

test('lines that make no sense lead back to the last version that did', () => {
  const garbled = watching().get(line('ADDED', 'b', '11'), { got: 'garbage' }, { got: 'waited' });
  expect(garbled.action).toMatchObject({ do: 'open', resourceVersion: '11' });
  const nameless = watching().get({ got: 'line', line: { type: 'ADDED', object: {} } });
  expect(nameless.told.at(-1)).toBe('garbled');
});

test('silence is an interruption, after which it lists: a server that went back in time has nothing to tell from there', () => {
  const machine = watching().get({ got: 'silence' });
  expect(machine.told.at(-1)).toBe('silent');
  expect(machine.get({ got: 'waited' }).action).toMatchObject({ do: 'list' });
  expect(machine.get(page([], '9')).told.at(-1)).toBe('staleList');
});

test('whatever interrupts it, who follows has in the end what the server has, and has never gone back', () => {
  /** A server of numbered changes; what the machine asks for is answered from it, with interruptions. */
  const interruption = fc.constantFrom('none', 'fail', 'expire', 'garbage', 'silence', 'end');
  const change = fc.record({ name: fc.constantFrom('a', 'b', 'c'), isDelete: fc.boolean(), after: interruption });
  fc.assert(
    fc.property(fc.array(change, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), (changes, pageSize) => {
      const server = new Map<string, number>();
      const history: { name: string; version: number; isDelete: boolean }[] = [];
      const copy = new Map<string, number>();
      let coming = new Map<string, number>();
      const machine = new Machine();
      const follow = () => {
        for (const event of machine.events.splice(0)) {
          const name = 'object' in event ? (event.object.metadata?.name ?? '') : '';
          const version = 'object' in event ? Number(event.object.metadata?.resourceVersion) : 0;
          if (event.type === 'init') coming = new Map();
          if (event.type === 'initApply') coming.set(name, version);
          if (event.type === 'initDone') {
            copy.clear();
            for (const [key, value] of coming) copy.set(key, value);
          }
          if (event.type === 'apply') {
            expect(version).toBeGreaterThan(copy.get(name) ?? 0);
            copy.set(name, version);
          }
          if (event.type === 'delete') copy.delete(name);
        }
      };
      let position = 0;
      /** Answers until the machine has caught up and reads. */
      const settle = () => {
        for (let steps = 0; steps < 500; steps += 1) {
          follow();
          const { action } = machine;
          if (action.do === 'wait') machine.get({ got: 'waited' });
          else if (action.do === 'list') {
            const all = [...server].map(([name, version]) => object(name, String(version)));
            const from = action.next === undefined ? 0 : Number(action.next);
            const items = action.limit === 0 ? all : all.slice(from, from + pageSize);
            const next = action.limit === 0 || from + pageSize >= all.length ? undefined : String(from + pageSize);
            machine.get(page(items, String(history.length), next));
          } else if (action.do === 'open') {
            position = Number(action.resourceVersion);
            machine.get({ got: 'opened' });
          } else if (position < history.length) {
            const { name, version, isDelete } = history[position]!;
            position += 1;
            machine.get(line(isDelete ? 'DELETED' : 'MODIFIED', name, String(version)));
          } else return;
        }
        throw new Error('it never settles');
      };
      settle();
      for (const { name, isDelete, after } of changes) {
        const version = history.length + 1;
        const deletes = isDelete && server.has(name);
        if (deletes) server.delete(name);
        else server.set(name, version);
        history.push({ name, version, isDelete: deletes });
        if (after === 'fail') machine.get(failure());
        if (after === 'expire') machine.get(failure(true));
        if (after === 'garbage') machine.get({ got: 'garbage' });
        if (after === 'silence') machine.get({ got: 'silence' });
        if (after === 'end') machine.get({ got: 'end' });
        settle();
      }
      expect(new Map([...copy].sort())).toEqual(new Map([...server].sort()));
    }),
    { seed: 7, numRuns: 300 },
  );
});
