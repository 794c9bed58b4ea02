import { describe, expect, test } from 'vitest';
import { TAGS } from './declared-states.ts';
import { stringBackend } from './keyed-backends.ts';

describe('list state', () => {
  test('reads as an empty iterable, never null', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    expect([...state.get()]).toEqual([]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('adds, adds all and replaces', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.add('x');
    state.addAll(new Set(['y', 'z']));
    expect([...state.get()]).toEqual(['x', 'y', 'z']);
    state.update(['w']);
    expect([...state.get()]).toEqual(['w']);
  });

  test('is removed by update([]); addAll([]) does nothing', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.addAll([]);
    expect(backend.numStateEntries()).toBe(0);
    state.add('x');
    state.addAll([]);
    expect([...state.get()]).toEqual(['x']);
    state.update([]);
    expect([[...state.get()], backend.numStateEntries()]).toEqual([[], 0]);
    state.update([]);
    expect(backend.numStateEntries()).toBe(0);
  });

  test('refuses null and keeps the old list', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    const refused = 'You cannot add null to a ListState.';
    backend.setCurrentKey('a');
    expect(() => state.add(null as never)).toThrow(refused);
    expect(backend.numStateEntries()).toBe(0);
    state.add('old');
    expect(() => state.add(undefined as never)).toThrow(refused);
    expect(() => state.addAll(null as never)).toThrow(refused);
    expect(() => state.addAll(['new', null as never])).toThrow(refused);
    expect(() => state.update(null as never)).toThrow(refused);
    expect(() => state.update(['new', null as never])).toThrow(refused);
    expect([...state.get()]).toEqual(['old']);
  });

  test('gives an iterable that can be gone through twice and while adding', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    state.addAll(['x', 'y']);
    const read = state.get();
    for (const tag of read) state.add(`${tag}!`);
    expect([...read]).toEqual(['x', 'y']);
    expect([...state.get()]).toEqual(['x', 'y', 'x!', 'y!']);
  });

  test('does not keep the array it was given', () => {
    const backend = stringBackend();
    const state = backend.getListState(TAGS);
    backend.setCurrentKey('a');
    const given = ['x'];
    state.update(given);
    given.push('y');
    expect([...state.get()]).toEqual(['x']);
  });
});
