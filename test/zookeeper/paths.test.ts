import { expect, test } from 'vitest';
import { nodePath, parentOf, parseQuorum } from '../../src/zookeeper/index.ts';

test.each([
  [['/flink', 'job'], '/flink/job'],
  [['flink/', '/job/'], '/flink/job'],
  [['//flink//', '', 'job//a'], '/flink/job/a'],
  [['/'], '/'],
  [[''], '/'],
])('the parts %j make a path with one slash before each name and none at the end', (parts, path) => {
  expect(nodePath(...parts)).toBe(path);
});

test.each(['a/../b', './a', 'a\0b'])('%j is no path', (text) => {
  expect(() => nodePath(text)).toThrow('no path');
});

test('the parent of a path is the path without its last name', () => {
  expect(['/a/b', '/a', '/'].map(parentOf)).toEqual(['/a', '/', undefined]);
});

test('a quorum is read without its blanks, with ports, IPv6 and the path that all is put below', () => {
  const servers = [
    { host: 'zk-0', port: 2181 },
    { host: '10.0.0.1', port: 2182 },
    { host: '::1', port: 2183 },
  ];
  expect(parseQuorum(' zk-0 , 10.0.0.1:2182 ,[::1]:2183 /chroot/a/ ')).toEqual({ servers, chroot: '/chroot/a' });
  expect(parseQuorum('zk-0:2181').chroot).toBe('/');
});

test.each(['', ' , ', 'zk-0:0', 'zk-0:99999', 'zk-0:x', 'a:1:2'])('the quorum "%s" is refused', (text) => {
  expect(() => parseQuorum(text)).toThrow(/quorum|no ZooKeeper server/);
});
