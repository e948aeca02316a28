import type { Settings } from '../settings/schema.ts'
import type { Port } from './port-in-use.ts'

export function apiPort(settings: Settings): Port {
  return { protocol: 'tcp', host: settings['api.host'], port: settings['api.port'], setting: 'api.port' }
}

/** Without the mesh, or with nobody in scope, no node is started. */
export function meshOn(settings: Settings): boolean {
  return settings['mesh.enabled'] && settings['mesh.scope'] !== 'none'
}

/** None where the mesh is off. */
export function meshPorts(settings: Settings): Port[] {
  if (!meshOn(settings)) return []
  const host = settings['mesh.host']
  return [
    { protocol: 'tcp', host, port: settings['mesh.tcp_port'], setting: 'mesh.tcp_port' },
    { protocol: 'tcp', host, port: settings['mesh.ws_port'], setting: 'mesh.ws_port' },
    { protocol: 'udp', host, port: settings['mesh.webrtc_port'], setting: 'mesh.webrtc_port' },
  ]
}
