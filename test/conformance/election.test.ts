import { electionConformance } from './election.ts';
import { embeddedFixture } from './embedded-fixture.ts';
import { haServicesConformance } from './ha-services/index.ts';

electionConformance('embedded', embeddedFixture);
haServicesConformance('embedded', embeddedFixture);
