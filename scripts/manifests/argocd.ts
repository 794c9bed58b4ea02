/** manifests/argocd-cm.yaml: what Argo CD's ConfigMap has to hold to know FlinkJobs, from the scripts of config/argocd. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

const KIND = 'flinkjob.dev_FlinkJob';
const HEADING = `# Health of FlinkJobs in Argo CD, and what can be done with them there. Its ConfigMap holds more: add this to it, with
#     kubectl patch configmap argocd-cm --namespace argocd --patch-file manifests/argocd-cm.yaml
# Rendered by \`make manifests\` from config/argocd; edit there.
`;

/** Where the file is written, and its text. */
export function renderedArgoCd(config: string): ReadonlyMap<string, string> {
  const folder = join(config, 'argocd');
  const text = (...path: readonly string[]): string => readFileSync(join(folder, ...path), 'utf8');
  const names = readdirSync(join(folder, 'actions'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const actions = {
    'discovery.lua': text('actions', 'discovery.lua'),
    definitions: names.map((name) => ({ name, 'action.lua': text('actions', name, 'action.lua') })),
  };
  const data = {
    [`resource.customizations.health.${KIND}`]: text('flinkjob-health.lua'),
    [`resource.customizations.actions.${KIND}`]: stringify(actions, { lineWidth: 0 }),
  };
  return new Map([['manifests/argocd-cm.yaml', HEADING + stringify({ data }, { lineWidth: 0 })]]);
}
