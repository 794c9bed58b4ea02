/** The files of manifests/: what is installed, ready to be applied. */
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type KubeObject, renderFolder } from './kustomize.ts';

/** File in manifests/, the folder of config/ that it is rendered from, and what it is. */
const FILES = [
  ['install.yaml', 'overlays/namespaced', 'The operator for the jobs of one namespace, `flinkjob`.'],
  ['install-cluster.yaml', 'overlays/cluster-wide', 'The operator for the jobs of all namespaces.'],
  ['user-roles.yaml', 'user-roles', 'Who may do what with FlinkJobs, added to the roles view, edit and admin.'],
  ['rbac.yaml', 'rbac/namespaced', 'Of install.yaml the account and its rights alone.'],
] as const;

/** Where each file is written, and its text. */
export function renderedManifests(config: string): ReadonlyMap<string, string> {
  return new Map(
    FILES.map(([file, folder, what]) => {
      const heading = `# ${what}\n# Rendered by \`make manifests\` from config/${folder}; edit there. The CRD is apart, in crds/.\n`;
      return [`manifests/${file}`, heading + asYaml(renderFolder(join(config, folder)))];
    }),
  );
}

/** Documents of one file. */
export function asYaml(objects: readonly KubeObject[]): string {
  return objects.map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}
