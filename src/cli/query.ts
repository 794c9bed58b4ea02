/** `flinkjob query`: reads one value of keyed state from a running job. */
import type { Command as Commander } from 'commander';
import { withClusterOptions } from './cluster-job/cluster-options.ts';
import type { ClusterQueryOptions } from './cluster-job/query-cluster-state.ts';
import type { Command } from './command.ts';
import { homeOption } from './local-job/home-option.ts';
import type { QueryOptions } from './local-job/query-state.ts';
import { outputOption } from './output/output-option.ts';

/** The command. */
export const query: Command = {
  name: 'query',
  summary: 'Read the value of a key in a queryable state of a running job',
  usage: '<job> <state> <key>',
  examples: [
    'flinkjob query flight-delays delays JFK',
    'flinkjob query --operator delay-statistics flight-delays delays JFK',
    'flinkjob query --key-kind string -o json flight-delays delays JFK',
    'flinkjob query -n team-a flight-delays delays JFK   # of a FlinkJob on a cluster',
  ],
  register: (command, action) =>
    withClusterOptions(command.argument('<job>', 'the job, as [namespace/]name, or the YAML file that holds it'))
      .argument('<state>', 'the name given to setQueryable')
      .argument('<key>', 'the key, as the key type of the state reads it; a tuple as a JSON array')
      .addOption(homeOption())
      .option('--key-kind <kind>', 'what the key is meant to be, e.g. string or int32; another kind is an error')
      .option('--operator <uid>', 'only states of this operator')
      .option('--window <window>', 'START,END in milliseconds, for state per window')
      .addOption(outputOption(['text', 'json', 'yaml']))
      .action(
        action(
          async (
            io,
            job: string,
            state: string,
            key: string,
            options: QueryOptions & ClusterQueryOptions,
            own: Commander,
          ) => {
            const { whereTheJobIs } = await import('./cluster-job/choose-place.ts');
            const question = { state, key };
            return whereTheJobIs(
              job,
              { command: own, io },
              {
                isChange: false,
                here: async (name) =>
                  (await import('./local-job/query-state.ts')).queryState({ ...question, job: name }, options, io),
                onCluster: async (name) =>
                  (await import('./cluster-job/query-cluster-state.ts')).queryClusterState(
                    { ...question, job: name },
                    options,
                    io,
                  ),
              },
            );
          },
        ),
      ),
};
