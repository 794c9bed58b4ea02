import { ELECTION_TIMES, electionConformance, PATIENT_TIMES } from './election/index.ts';
import { embeddedFixture } from './embedded-fixture.ts';
import { haServicesConformance } from './ha-services/index.ts';

electionConformance('embedded', () => embeddedFixture(ELECTION_TIMES));
haServicesConformance('embedded', () => embeddedFixture(PATIENT_TIMES));
