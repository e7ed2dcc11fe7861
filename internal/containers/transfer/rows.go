package transfer

import (
	"github.com/imgctl/packer-plugin-openstack/internal/change"
	"github.com/imgctl/packer-plugin-openstack/internal/fault"
)

// Done reports whether all targets are as they should be.
func (p *Plan) Done() bool {
	for _, i := range p.Images {
		if i.State != Current {
			return false
		}
	}
	return true
}

// Loss is empty: a tag moves to another image, and nothing is deleted.
func (*Plan) Loss() string { return "" }

// Notes are none.
func (*Plan) Notes() []fault.Advice { return nil }

// Rows are the images.
func (p *Plan) Rows() []change.Row {
	rows := make([]change.Row, 0, len(p.Images))
	for _, i := range p.Images {
		why := ""
		if i.Err != nil {
			why = i.Err.Error()
		}
		rows = append(rows, change.Row{
			{Key: "source", Value: i.Source.String()},
			{Key: "target", Value: i.Target.String()},
			{Key: "state", Value: string(i.State)},
			{Key: "bytes", Value: i.Bytes},
			{Key: "missing", Value: i.Missing},
			{Key: "digest", Value: i.Digest},
			{Key: "attached", Value: i.Attached},
			{Key: "problem", Value: why},
		})
	}
	return rows
}
