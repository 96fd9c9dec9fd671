import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MFA_USERS_SCHEMA } from '../bin/mfa-users/schema';

writeFileSync(join(__dirname, '../bin/mfa-users.schema.json'), `${JSON.stringify(MFA_USERS_SCHEMA, null, 2)}\n`);
