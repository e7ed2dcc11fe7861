package transaction

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
)

// capabilities are the kernel's, by number.
var capabilities = strings.Fields(`
	chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable
	net_bind_service net_broadcast net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace
	sys_pacct sys_admin sys_boot sys_nice sys_resource sys_time sys_tty_config mknod lease audit_write
	audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend audit_read perfmon bpf
	checkpoint_restore`)

// fileCapabilities turns capabilities in text, such as "cap_net_raw,cap_net_admin=ep", into the value
// of the attribute security.capability.
func fileCapabilities(text string) (string, error) {
	var effective, permitted, inheritable uint64
	for clause := range strings.FieldsSeq(text) {
		at := strings.IndexAny(clause, "=+-")
		if at < 0 {
			return "", fmt.Errorf("capabilities %.100q", text)
		}
		mask, err := capabilityMask(clause[:at])
		if err != nil {
			return "", fmt.Errorf("capabilities %.100q: %w", text, err)
		}
		for at < len(clause) {
			sign := clause[at]
			end := at + 1
			for end < len(clause) && !strings.ContainsRune("=+-", rune(clause[end])) {
				end++
			}
			flags := clause[at+1 : end]
			if strings.Trim(flags, "eip") != "" {
				return "", fmt.Errorf("capabilities %.100q: flags %.20q", text, flags)
			}
			for _, set := range []struct {
				flag string
				to   *uint64
			}{{"e", &effective}, {"p", &permitted}, {"i", &inheritable}} {
				on := strings.Contains(flags, set.flag)
				switch {
				case sign == '=' && !on, sign == '-' && on:
					*set.to &^= mask
				case sign != '-' && on:
					*set.to |= mask
				}
			}
			at = end
		}
	}
	const revision2, effectiveBit = 0x02000000, 1
	magic := uint32(revision2)
	if effective != 0 {
		magic |= effectiveBit
	}
	value := binary.LittleEndian.AppendUint32(nil, magic)
	for _, word := range []uint32{uint32(permitted), uint32(inheritable), uint32(permitted >> 32), uint32(inheritable >> 32)} {
		value = binary.LittleEndian.AppendUint32(value, word)
	}
	return string(value), nil
}

func capabilityMask(names string) (mask uint64, err error) {
	if names == "" || names == "all" {
		return 1<<len(capabilities) - 1, nil
	}
	for name := range strings.SplitSeq(names, ",") {
		n := slices.Index(capabilities, strings.TrimPrefix(strings.ToLower(name), "cap_"))
		if n < 0 {
			return 0, fmt.Errorf("%.50q is unknown", name)
		}
		mask |= 1 << n
	}
	return mask, nil
}
