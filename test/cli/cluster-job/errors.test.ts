import { expect, test } from 'vitest';
import { explain, REASONS } from '../../../src/api/index.ts';
import { inClusterWords } from '../../../src/cli/cluster-job/errors.ts';
import { COMMANDS } from '../../../src/cli/commands.ts';
import { declarationsOf } from '../../../src/cli/reference/declarations.ts';
import { ApiError } from '../../../src/kube/index.ts';

const WHERE = { origin: 'kubeconfig a, context b', server: 'https://c', namespace: 'team-a' };

const refused = (
  call: string,
  status: number | undefined,
  answer: { message?: string; details?: { name?: string } } = {},
) =>
  new ApiError({
    code: status === undefined ? 'KUBE_NO_ANSWER' : 'KUBE_REFUSED',
    call,
    why: answer.message ?? 'why',
    outcome: 'notApplied',
    retryable: false,
    answer,
    ...(status === undefined ? {} : { status }),
  });

test('a cluster without the definition is told from a job that is not there', () => {
  expect(inClusterWords(refused('get flinkjobs team-a/x', 404), WHERE)).toMatchObject({
    code: 'CLUSTER_NO_DEFINITION',
  });
  const absent = refused('get flinkjobs team-a/x', 404, { details: { name: 'x' } });
  expect(inClusterWords(absent, WHERE)).toBe(absent);
});

test('a missing right is named by verb, resource and user', () => {
  const message =
    'pods "a" is forbidden: User "eve" cannot get resource "pods/log" in API group "" in the namespace "team-a"';
  expect(inClusterWords(refused('get pods team-a/a', 403, { message }), WHERE)).toMatchObject({
    code: 'CLUSTER_FORBIDDEN',
    message: expect.stringContaining('user eve may not get pods/log in namespace team-a.'),
  });
});

test('no answer is the cluster that does not answer', () => {
  expect(inClusterWords(refused('get flinkjobs team-a/x', undefined), WHERE)).toMatchObject({
    code: 'CLUSTER_UNREACHABLE',
    retryable: true,
  });
});

test('what is no answer of the API stays as it is', () => {
  const error = new Error('other');
  expect(inClusterWords(error, WHERE)).toBe(error);
  const conflict = refused('patch flinkjobs team-a/x', 409);
  expect(inClusterWords(conflict, WHERE)).toBe(conflict);
});

test('every command that a remedy names is there, with the options it is given', () => {
  const declared = new Map(declarationsOf(COMMANDS).map((command) => [command.name, command]));
  const facts = { job: 'flights', namespace: 'team-a' };
  const commands = REASONS.flatMap((reason) => [
    ...explain(reason, facts).remedy.matchAll(/kubectl flinkjob ([a-z ]+?) ((?:--[a-z]+ )*)flights -n team-a/g),
  ]);
  expect(commands.length).toBeGreaterThan(10);
  for (const [text, name = '', options = ''] of commands) {
    const longs = declared.get(name)?.options.map(({ long }) => long) ?? [];
    const missing = [...options.trim().split(' '), '--namespace'].filter(
      (option) => option !== '' && !longs.includes(option),
    );
    expect(missing, text).toEqual([]);
  }
});
