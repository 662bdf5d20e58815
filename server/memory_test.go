package server_test

import (
	"os"
	"testing"

	"github.com/postrider-dev/postrider/server"
	"github.com/postrider-dev/postrider/server/limit"
)

func TestContainerMemory(t *testing.T) {
	t.Parallel()
	const own = "/proc/self/cgroup"
	tests := []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"no control groups", nil, 0},
		{"version 2 in a container", map[string]string{own: "0::/\n", "/sys/fs/cgroup/memory.max": "134217728\n"}, 128 << 20},
		{"version 2 without a limit", map[string]string{own: "0::/\n", "/sys/fs/cgroup/memory.max": "max\n"}, 0},
		{"version 2, the limit is a parent's", map[string]string{
			own: "0::/system.slice/postrider.service\n", "/sys/fs/cgroup/system.slice/postrider.service/memory.max": "max\n",
			"/sys/fs/cgroup/system.slice/memory.max": "536870912\n",
		}, 512 << 20},
		{"version 1", map[string]string{
			own: "5:cpu,cpuacct:/a\n4:memory:/a/b\n", "/sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "268435456\n",
			"/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
		}, 256 << 20},
		{"version 1 without a limit", map[string]string{own: "4:memory:/\n", "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 0},
		{"what nobody can read", map[string]string{own: "4:memory\n:::\n0::/\n", "/sys/fs/cgroup/memory.max": "much\n"}, 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got := server.ContainerMemory(func(name string) ([]byte, error) {
				if text, ok := test.files[name]; ok {
					return []byte(text), nil
				}
				return nil, os.ErrNotExist
			})
			if got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestDefaultMemory(t *testing.T) {
	t.Parallel()
	for container, want := range map[int64]int{0: 256, 128 << 20: 96, 512 << 20: 384, 32 << 20: 64, 64 << 30: 1024} {
		if got := server.DefaultMemoryOf(container); got != want {
			t.Errorf("in a container of %d bytes: %d MB, want %d", container, got, want)
		}
	}
}

// The parts grew past the whole: caches of 192 MB and a tail of 64 MB had nothing to do with each other.
func TestPartsOfTheMemoryAreWithinIt(t *testing.T) {
	t.Parallel()
	for _, megabytes := range []int{64, 96, 256, 1024, 1 << 20} {
		for _, withNATS := range []bool{false, true} {
			if parts := server.PartsOfMemory(megabytes, withNATS); parts > int64(megabytes)<<20/8*7 {
				t.Errorf("of %d MB the parts take %d bytes and leave less than an eighth", megabytes, parts)
			}
		}
	}
}

// The budget of requests was 256 MB in any container, and 200 MB of that in use killed one of 128 MB.
func TestRequestsAreBoundedByTheMemory(t *testing.T) {
	t.Parallel()
	config := server.DefaultConfig()
	for megabytes, least := range map[int]int{96: 4 << 20, 256: config.MaxRequestBytes, 1024: config.MaxRequestBytes} {
		config.Memory = megabytes
		total := server.BodyBytes(config)
		if total > int64(megabytes)<<20/4*3 {
			t.Errorf("of %d MB requests may hold %d bytes", megabytes, total)
		}
		if largest := limit.NewBudget(total).Largest(); largest < least {
			t.Errorf("with %d MB a request may have %d bytes, want %d", megabytes, largest, least)
		}
	}
}

// Large requests may hold more than their part. When the collector was not told, it did nothing else while they were there.
func TestTheCollectorIsToldOfLargeRequests(t *testing.T) {
	t.Parallel()
	config := server.DefaultConfig()
	for megabytes, want := range map[int]int64{96: 108, 256: 288, 1024: 928} {
		config.Memory = megabytes
		if got := server.CollectorBytes(config) >> 20; got != want {
			t.Errorf("of %d MB the collector has %d, want %d", megabytes, got, want)
		}
	}
}
