/** The roles of config/rbac/, from the table of the operator's calls. Each rule says why it is there. */
import { stringify } from 'yaml';
import {
  OPERATOR_NAME,
  type OperatorRight,
  operatorRules,
  type PolicyRule,
  reasonsFor,
} from '../../src/resources/index.ts';

/** Where each role is written, and its text. */
export function renderedRoles(): ReadonlyMap<string, string> {
  return new Map([
    ['config/rbac/election/role.yaml', role('Role', `${OPERATOR_NAME}-election`, 'own')],
    ['config/rbac/namespaced/role.yaml', role('Role', OPERATOR_NAME, 'jobs')],
    ['config/rbac/cluster-wide/cluster-role.yaml', role('ClusterRole', OPERATOR_NAME, 'jobs')],
  ]);
}

const HEADING = '# Rendered by `make manifests` from the table in src/resources/operator-role.ts; edit there.';

function role(kind: 'Role' | 'ClusterRole', name: string, where: OperatorRight['where']): string {
  const head = stringify({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind,
    metadata: { name },
  });
  const rules = operatorRules(where).map((rule) => ruleText(rule, where));
  return `${HEADING}\n${head}rules:\n${rules.join('')}`;
}

function ruleText(rule: PolicyRule, where: OperatorRight['where']): string {
  const reasons = reasonsFor(rule, where).map((reason) => `# ${reason}\n`);
  const text = reasons.join('') + stringify([rule]);
  return text.replaceAll(/^(?=.)/gm, '  ');
}
