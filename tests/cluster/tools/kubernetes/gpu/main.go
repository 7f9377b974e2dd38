// Command gpu is the device plugin of the test cluster: it offers the kubelet as many nvidia.com/gpu as its file names.
//
// The file has one device a line, `gpu-0 healthy` or `gpu-0 unhealthy`, and is read anew several times a second: what a
// real plugin learns from the driver, this one learns from whoever writes the file. The kubelet does the rest, as with
// real cards: it counts them, hands each to one container only, and takes the unhealthy out of what can be allocated.
// It is started by tests/cluster beside a kubelet, and knows nothing of the cluster.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	resource = "nvidia.com/gpu"
	endpoint = "vedette-gpu.sock"
	pause    = 200 * time.Millisecond
)

type plugin struct {
	api.UnimplementedDevicePluginServer
	file string
}

func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}

// ListAndWatch sends the devices at once and again whenever the file says something else.
func (p *plugin) ListAndWatch(_ *api.Empty, stream grpc.ServerStreamingServer[api.ListAndWatchResponse]) error {
	var told []string
	for first := true; ; first = false {
		now, err := read(p.file)
		if err != nil {
			log.Printf("keeping what was said before: %v", err)
		} else if first || !slices.Equal(now, told) {
			if err := stream.Send(&api.ListAndWatchResponse{Devices: devices(now)}); err != nil {
				return err
			}
			told = now
		}
		select {
		case <-stream.Context().Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// Allocate tells each container its cards the way NVIDIA's own plugin does; there is no device file to hand over.
func (p *plugin) Allocate(_ context.Context, asked *api.AllocateRequest) (*api.AllocateResponse, error) {
	answer := &api.AllocateResponse{}
	for _, container := range asked.ContainerRequests {
		environment := map[string]string{"NVIDIA_VISIBLE_DEVICES": strings.Join(container.DevicesIds, ",")}
		answer.ContainerResponses = append(answer.ContainerResponses, &api.ContainerAllocateResponse{Envs: environment})
	}
	return answer, nil
}

func read(file string) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) != 2 || (words[1] != "healthy" && words[1] != "unhealthy") {
			return nil, fmt.Errorf("%s: not `NAME healthy` or `NAME unhealthy`: %q", file, line)
		}
		lines = append(lines, words[0]+" "+words[1])
	}
	return lines, nil
}

func devices(lines []string) []*api.Device {
	var all []*api.Device
	for _, line := range lines {
		name, health, _ := strings.Cut(line, " ")
		state := api.Healthy
		if health == "unhealthy" {
			state = api.Unhealthy
		}
		all = append(all, &api.Device{ID: name, Health: state})
	}
	return all
}

// serve offers the plugin on its socket, registers it, and returns once the socket is gone: a kubelet that starts
// removes every socket of its folder, and expects the plugins to come again.
func serve(folder, file string) error {
	socket := filepath.Join(folder, endpoint)
	if err := os.RemoveAll(socket); err != nil {
		return err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	server := grpc.NewServer()
	defer server.Stop()
	api.RegisterDevicePluginServer(server, &plugin{file: file})
	go server.Serve(listener)
	if err := register(filepath.Join(folder, "kubelet.sock")); err != nil {
		return err
	}
	log.Printf("registered %s", resource)
	for {
		if _, err := os.Lstat(socket); err != nil {
			return fmt.Errorf("the kubelet started anew")
		}
		time.Sleep(pause)
	}
}

func register(kubelet string) error {
	connection, err := grpc.NewClient("unix://"+kubelet, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer connection.Close()
	limited, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	request := &api.RegisterRequest{Version: api.Version, Endpoint: endpoint, ResourceName: resource}
	_, err = api.NewRegistrationClient(connection).Register(limited, request)
	return err
}

func main() {
	file := flag.String("devices", "", "the file that names the devices and their health")
	folder := flag.String("folder", api.DevicePluginPath, "the kubelet's folder for device plugins")
	flag.Parse()
	if _, err := read(*file); err != nil {
		log.Fatal(err)
	}
	for {
		log.Printf("registering again: %v", serve(*folder, *file))
		time.Sleep(pause)
	}
}
