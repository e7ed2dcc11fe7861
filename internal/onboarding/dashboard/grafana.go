package dashboard

// board is a dashboard in Grafana's JSON, as far as it is used here.
type board struct {
	Title         string   `json:"title"`
	UID           string   `json:"uid"`
	SchemaVersion int      `json:"schemaVersion"`
	Editable      bool     `json:"editable"`
	Refresh       string   `json:"refresh"`
	Tags          []string `json:"tags"`
	Time          span     `json:"time"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
	Panels []panel `json:"panels"`
}

type span struct {
	From string `json:"from"`
	To   string `json:"to"`
}

type source struct {
	Type string `json:"type"`
	UID  string `json:"uid,omitempty"`
}

type variable struct {
	Name       string         `json:"name"`
	Label      string         `json:"label"`
	Type       string         `json:"type"`
	Query      string         `json:"query"`
	DataSource source         `json:"datasource"`
	IncludeAll bool           `json:"includeAll"`
	Multi      bool           `json:"multi"`
	Refresh    int            `json:"refresh"`
	Current    map[string]any `json:"current"`
}

type panel struct {
	ID          int            `json:"id"`
	Type        string         `json:"type"`
	Title       string         `json:"title"`
	Grid        grid           `json:"gridPos"`
	DataSource  *source        `json:"datasource,omitempty"`
	Targets     []target       `json:"targets,omitempty"`
	FieldConfig map[string]any `json:"fieldConfig,omitempty"`
	Options     map[string]any `json:"options,omitempty"`
	Repeat      string         `json:"repeat,omitempty"`
	Direction   string         `json:"repeatDirection,omitempty"`
	Collapsed   *bool          `json:"collapsed,omitempty"`
}

type grid struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

type target struct {
	RefID  string `json:"refId"`
	Target string `json:"target,omitempty"` // Graphite's
	Expr   string `json:"expr,omitempty"`   // Prometheus's
	Legend string `json:"legendFormat,omitempty"`
}
