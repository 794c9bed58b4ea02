import type { Manifest } from './manifest.ts';
import { ownedMetadata } from './metadata.ts';
import { objectNames } from './names.ts';
import type { ObjectFacts } from './object-facts.ts';

/**
 * The REST API of a job for those outside the cluster, where `spec.ingress` asks for it: host, path or both of its template,
 * leading to the job's Service. The REST API asks nobody who he is; whoever makes it public puts something before it that does.
 */
export function restIngress(facts: ObjectFacts): Manifest | undefined {
  const { ingress } = facts.job.spec;
  if (ingress === undefined) return undefined;
  const { rest } = objectNames(facts.name);
  const filled = ingress.template.replaceAll('{{name}}', facts.name).replaceAll('{{namespace}}', facts.namespace);
  const at = filled.indexOf('/');
  const [host, path] = at < 0 ? [filled, '/'] : [filled.slice(0, at), filled.slice(at)];
  const backend = { service: { name: rest, port: { name: 'rest' } } };
  const { annotations } = ingress;
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: { ...ownedMetadata(facts, rest), ...(annotations === undefined ? {} : { annotations }) },
    spec: {
      ...(ingress.className === undefined ? {} : { ingressClassName: ingress.className }),
      rules: [
        {
          ...(host === '' ? {} : { host }),
          http: { paths: [{ path, pathType: 'Prefix', backend }] },
        },
      ],
    },
  };
}
