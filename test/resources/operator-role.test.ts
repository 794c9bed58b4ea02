import { expect, test } from 'vitest';
import { jobRole, OPERATOR_RIGHTS, operatorRules, type PolicyRule, reasonsFor } from '../../src/resources/index.ts';
import { aPodOf } from '../builders/job-facts.ts';

const RULES = [...operatorRules('jobs'), ...operatorRules('own')];

test('the operator holds no right on secrets, on programs in pods or on logs, none to everything and none to hand on', () => {
  const resources = RULES.flatMap((rule) => rule.resources);
  expect(resources.filter((name) => /secret|exec|attach|portforward|\/log|proxy|\*/.test(name))).toEqual([]);
  const words = RULES.flatMap((rule) => [...rule.verbs, ...rule.apiGroups]);
  expect(words.filter((word) => /escalate|bind|impersonate|\*/.test(word))).toEqual([]);
});

test('the operator asks for nothing outside namespaces', () => {
  const ofCluster = ['nodes', 'namespaces', 'persistentvolumes', 'clusterroles', 'customresourcedefinitions'];
  expect(RULES.flatMap((rule) => rule.resources).filter((name) => ofCluster.includes(name))).toEqual([]);
});

test('the operator holds what it grants to the pods of a job', () => {
  const held = operatorRules('jobs');
  const holds = (rule: PolicyRule): boolean =>
    rule.verbs.every((verb) =>
      held.some(
        (own) =>
          own.resourceNames === undefined &&
          rule.apiGroups.every((group) => own.apiGroups.includes(group)) &&
          rule.resources.every((name) => own.resources.includes(name)) &&
          own.verbs.includes(verb),
      ),
    );
  const granted = jobRole(aPodOf())['rules'] as PolicyRule[];
  expect(granted).toHaveLength(2);
  expect(granted.filter((rule) => !holds(rule))).toEqual([]);
});

test('of a FlinkJob the operator may write status and metadata, and no whole object', () => {
  const verbs = operatorRules('jobs').filter(({ resources }) => resources.some((name) => /^flinkjobs/.test(name)));
  expect(verbs.map(({ resources, verbs }) => [resources[0], verbs.join(' ')])).toEqual([
    ['flinkjobs', 'get list watch patch delete'],
    ['flinkjobs/status', 'patch'],
    ['flinkjobs/finalizers', 'update'],
  ]);
});

test('what the election needs is held by name, but for the making', () => {
  expect(operatorRules('own').map(({ resourceNames, verbs }) => [resourceNames, verbs])).toEqual([
    [undefined, ['create']],
    [['flinkjob-operator'], ['get', 'list', 'watch', 'update']],
  ]);
});

test('rows of one kind make one rule, and every rule says why it is there', () => {
  const kinds = RULES.map(({ apiGroups, resources, resourceNames }) =>
    JSON.stringify([apiGroups, resources, resourceNames]),
  );
  expect(new Set(operatorRules('jobs').map((rule) => JSON.stringify(rule.resources))).size).toBe(
    operatorRules('jobs').length,
  );
  expect(kinds.length).toBeGreaterThan(10);
  for (const where of ['jobs', 'own'] as const)
    for (const rule of operatorRules(where)) expect(reasonsFor(rule, where), rule.resources[0]).not.toEqual([]);
  expect(OPERATOR_RIGHTS.filter(({ why }) => why.length < 10)).toEqual([]);
});
