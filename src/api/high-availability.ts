/** `spec.highAvailability`: who keeps the pointers to the state, and how many processes stand by. */
import * as z from 'zod';
import { integer, oneOf, pattern } from './fields.ts';
import { type Rule, withRules } from './rules.ts';

interface HighAvailability {
  readonly backend: string;
  readonly zookeeper?: unknown;
}

const zooKeeperNeedsQuorum: Rule<HighAvailability> = {
  code: 'ZOOKEEPER_BACKEND',
  must: 'must be set if, and only if, backend is ZooKeeper',
  remedy: 'Write e.g. zookeeper: { quorum: "zk-0:2181,zk-1:2181,zk-2:2181" } or change backend.',
  reads: ['backend'],
  presenceOf: ['zookeeper'],
  blames: 'zookeeper',
  cel: "(self.backend == 'ZooKeeper') == has(self.zookeeper)",
  holds: (self) => (self.backend === 'ZooKeeper') === (self.zookeeper !== undefined),
};

const embeddedRunsWithoutKubernetes: Rule<HighAvailability> = {
  code: 'EMBEDDED_BACKEND',
  must: 'must be Kubernetes or ZooKeeper on a cluster: Embedded works with `flinkjob run` only',
  remedy: 'Write backend: Kubernetes, or leave it out: `flinkjob run` always uses Embedded.',
  reads: ['backend'],
  blames: 'backend',
  cel: "self.backend != 'Embedded'",
  // A file that is meant for a laptop is fine on a laptop; only the API server knows that it is on a cluster.
  offline: 'warning',
  holds: (self) => self.backend !== 'Embedded',
};

const zookeeper = z
  .strictObject({
    quorum: pattern(/^[^\s,/]+(,[^\s,/]+)*$/, 1024, {
      must: 'must be a list of host:port separated by ","',
      description: 'ZooKeeper servers, as host:port separated by commas.',
      example: 'zk-0:2181,zk-1:2181,zk-2:2181',
    }),
    root: pattern(/^(\/[^\s/]+)+$/, 256, {
      must: 'must be a path that begins with "/" and does not end with one',
      description: 'Node below which everything is kept.',
      example: '/flinkjob',
    }).default('/flinkjob'),
  })
  .meta({
    description: 'The ZooKeeper ensemble.',
    example: { quorum: 'zk-0:2181,zk-1:2181,zk-2:2181' },
    clusterOnly: true,
  });

/** `spec.highAvailability`. */
export const highAvailabilitySchema = withRules(
  z
    .strictObject({
      backend: oneOf(['Kubernetes', 'ZooKeeper', 'Embedded'], {
        description: 'Who keeps leadership and the pointers to the state. Embedded is for `flinkjob run` only.',
      }).default('Kubernetes'),
      standbys: integer(0, 10, {
        description: 'Processes that wait, loaded, to take over from a lost leader.',
        example: 1,
        clusterOnly: true,
      }).default(1),
      zookeeper: zookeeper.optional(),
    })
    .meta({ description: 'Leadership, and the pointers to the state.', example: { standbys: 1 } }),
  zooKeeperNeedsQuorum,
  embeddedRunsWithoutKubernetes,
);
