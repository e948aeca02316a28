import { assets } from './assets.ts'

/** Of this program, as package.json has it. */
export const version: string = JSON.parse(Buffer.from(assets.read('package.json')).toString()).version
