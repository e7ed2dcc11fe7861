package schedule

import (
	"strings"
	"text/template"
)

// Job is a command that is to run on a schedule.
type Job struct {
	Name        string // of its units, such as imgctl-retention
	Description string
	Command     []string // the program's path first
	Calendar    string   // as systemd writes it, such as *-*-* 03:30:00
	Cron        string   // the same as cron writes it, such as 30 3 * * *
	Docs        string   // URL
}

// Daemon is a command that runs all the time.
type Daemon struct {
	Name        string // of its unit, such as imgctl-factory
	Description string
	Command     []string // the program's path first
	Stop        string   // how long it may take to end, such as 35min
	Docs        string   // URL
}

// Line is the command as systemd takes it; paths in it have no spaces.
func (d Daemon) Line() string { return strings.Join(d.Command, " ") }

// Service is the service unit.
func (d Daemon) Service() string { return render("daemon", d) }

var units = template.Must(template.New("").Parse(`
{{- define "service" -}}
# {{.Description}}. Copy it to /etc/systemd/system, and adapt paths and the cloud's name.
[Unit]
Description={{.Description}}
Documentation={{.Docs}}
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
ExecStart={{.Line}}
# Exit code 8 says that changes are pending, which is no failure.
SuccessExitStatus=8
# clouds.yaml with the credentials: readable for this user alone.
User=imgctl
Environment=OS_CLIENT_CONFIG_FILE=/etc/imgctl/clouds.yaml
StateDirectory=imgctl
CacheDirectory=imgctl
Environment=XDG_CACHE_HOME=/var/cache/imgctl XDG_CONFIG_HOME=/etc XDG_DATA_HOME=/var/lib/imgctl
TimeoutStartSec=2h
# Ctrl-C for imgctl: it cleans up, then ends.
KillSignal=SIGINT
TimeoutStopSec=5min
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ReadWritePaths=-/var/lib/prometheus/node-exporter
{{end -}}
{{- define "daemon" -}}
# {{.Description}}. Copy it to /etc/systemd/system, adapt paths and clouds' names,
# then run systemctl enable --now {{.Name}}.
[Unit]
Description={{.Description}}
Documentation={{.Docs}}
Wants=network-online.target
After=network-online.target

[Service]
Type=exec
ExecStart={{.Line}}
Restart=on-failure
RestartSec=15s
# Files with credentials: readable for this user alone.
User=imgctl
Environment=OS_CLIENT_CONFIG_FILE=/etc/imgctl/clouds.yaml
StateDirectory=imgctl
CacheDirectory=imgctl
LogsDirectory=imgctl
Environment=XDG_CACHE_HOME=/var/cache/imgctl XDG_CONFIG_HOME=/etc XDG_DATA_HOME=/var/lib/imgctl
# Only imgctl gets the signal: it interrupts what it has started, after --grace.
KillMode=mixed
KillSignal=SIGINT
SuccessExitStatus=130
TimeoutStopSec={{.Stop}}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes

[Install]
WantedBy=multi-user.target
{{end -}}
{{- define "timer" -}}
# Copy it to /etc/systemd/system, then run systemctl enable --now {{.Name}}.timer.
[Unit]
Description={{.Description}}, on schedule
Documentation={{.Docs}}

[Timer]
OnCalendar={{.Calendar}}
# Not all sites at once; a run that was missed is made up for.
RandomizedDelaySec=15min
Persistent=true

[Install]
WantedBy=timers.target
{{end -}}
{{- define "cron" -}}
# {{.Description}}. Copy it to /etc/cron.d, and adapt paths and the cloud's name.
# A run takes a lock, so that a slow one is not overtaken by the next.
OS_CLIENT_CONFIG_FILE=/etc/imgctl/clouds.yaml
{{.Cron}} imgctl flock -n /run/lock/{{.Name}} {{.Line}}
{{end -}}
`))

// Line is the command as systemd and cron take it; paths in it have no spaces.
func (j Job) Line() string { return strings.Join(j.Command, " ") }

// Service is the service unit.
func (j Job) Service() string { return j.file("service") }

// Timer is the timer unit.
func (j Job) Timer() string { return j.file("timer") }

// CronTab is a file for /etc/cron.d.
func (j Job) CronTab() string { return j.file("cron") }

func (j Job) file(name string) string { return render(name, j) }

func render(name string, what any) string {
	var b strings.Builder
	if err := units.ExecuteTemplate(&b, name, what); err != nil {
		panic(err) // the templates are this package's own
	}
	return b.String()
}
