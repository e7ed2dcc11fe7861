package dashboard

// Mapping is the configuration of Prometheus's statsd_exporter that gives nodepool's metrics the names of the dashboards
// for Prometheus. Timers become summaries, in seconds.
const Mapping = `mappings:
- match: nodepool.provider.*.nodes.*
  name: nodepool_provider_nodes
  labels: {provider: "$1", state: "$2"}
- match: nodepool.provider.*.max_servers
  name: nodepool_provider_max_servers
  labels: {provider: "$1"}
- match: nodepool.launch.provider.*.ready
  match_metric_type: counter
  name: nodepool_launch_ready_total
  labels: {provider: "$1"}
- match: nodepool.launch.provider.*.ready
  match_metric_type: observer
  observer_type: summary
  name: nodepool_launch_ready_seconds
  labels: {provider: "$1"}
- match: nodepool.launch.provider.*.error.*
  match_metric_type: counter
  name: nodepool_launch_errors_total
  labels: {provider: "$1", error: "$2"}
- match: nodepool.task.*.*.*.*.*
  match_metric_type: observer
  observer_type: summary
  name: nodepool_task_seconds
  labels: {provider: "$1", service: "$2", method: "$3", operation: "$4", status: "$5"}
`
