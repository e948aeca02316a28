/** Where an Oracle listens. Port 0: any free one. A port of null: this transport does not listen. */
export interface ListenSettings {
  /** IP address; 127.0.0.1 unless the owner opens the node to others, 0.0.0.0 for all of IPv4. */
  readonly host: string
  readonly tcpPort: number | null
  readonly webSocketPort: number | null
  readonly webRtcPort: number | null
}

export function listenAddresses({ host, tcpPort, webSocketPort, webRtcPort }: ListenSettings): string[] {
  const ip = `/${host.includes(':') ? 'ip6' : 'ip4'}/${host}`
  return [
    ...(tcpPort === null ? [] : [`${ip}/tcp/${tcpPort}`]),
    ...(webSocketPort === null ? [] : [`${ip}/tcp/${webSocketPort}/ws`]),
    ...(webRtcPort === null ? [] : [`${ip}/udp/${webRtcPort}/webrtc-direct`]),
  ]
}
