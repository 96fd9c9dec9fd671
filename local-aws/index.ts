import { Account } from './account';
export { Account };
