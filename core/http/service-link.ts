// What Kubernetes puts into the environment of every container for each service of its namespace ("service links"): for one
// named `optimizely-api`, OPTIMIZELY_API_PORT=tcp://10.96.0.11:8080 and more of that kind. Such names can be those of settings.
// https://kubernetes.io/docs/tutorials/services/connect-applications-service/#environment-variables

const ADDRESS = /^(?:tcp|udp|sctp):\/\//i;
const NAME =
  /^(?<service>[A-Z0-9_]+?)_(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?|PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)?)$/;

/**
 * The service that the variable is a link to, as it would be named there; null when it is no link. `…_PORT` alone is one only
 * with an address for its value: it may be a setting.
 */
export function linkedService(name: string, value: string | undefined): string | null {
  const service = NAME.exec(name)?.groups?.service;
  if (service === undefined) return null;
  const isPortAlone = name === `${service}_PORT`;
  if (isPortAlone && !ADDRESS.test(value ?? '')) return null;
  return service.toLowerCase().replaceAll('_', '-');
}

/** The remedy for links that are in the way. */
export const withoutLinks = (service: string): string =>
  `Kubernetes sets it for a service named ${service} (service links): set enableServiceLinks: false in the pod's spec, or rename the service`;
