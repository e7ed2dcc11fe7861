package nova

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/answer"
	"github.com/imgctl/packer-plugin-openstack/sandbox/internal/guest/host"
)

func (s *Service) consoleOutput(w http.ResponseWriter, _ *http.Request, v *Server, body json.RawMessage) error {
	if v.VMState == vmBuilding {
		return answer.Fail(http.StatusConflict, "Instance %s is not ready", v.ID)
	}
	var q struct {
		Length any `json:"length"`
	}
	_ = json.Unmarshal(body, &q)
	b, err := os.ReadFile(host.ConsoleLog(s.dir(v.ID)))
	if err != nil {
		b = fmt.Appendf(nil, "[    0.000000] Booting %s (%s)\n%s login:\n", v.Hostname, v.ID, v.Hostname)
	}
	lines := strings.SplitAfter(strings.TrimSuffix(string(b), "\n"), "\n")
	if n := atoi(fmt.Sprint(q.Length)); n > 0 && n < len(lines) {
		lines = lines[len(lines)-n:]
	}
	answer.JSON(w, http.StatusOK, map[string]string{"output": strings.Join(lines, "")})
	return nil
}
