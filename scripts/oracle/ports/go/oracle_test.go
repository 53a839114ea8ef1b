// Operations in Go, with nothing but its own library, held to the golden oracle. KIT names the folder of a kit.
package pagport

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// tensor is one of a safetensors file: what it is stored as, its dimensions, and its bytes.
type tensor struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"`
	bytes   []byte
}

// numbers reads a tensor of floating-point numbers, or of 16-bit integers.
func (t tensor) numbers() []float64 {
	var out []float64
	size := map[string]int{"F64": 8, "F32": 4, "I16": 2}[t.Dtype]
	for at := 0; at < len(t.bytes); at += size {
		switch t.Dtype {
		case "F64":
			out = append(out, math.Float64frombits(binary.LittleEndian.Uint64(t.bytes[at:])))
		case "F32":
			out = append(out, float64(math.Float32frombits(binary.LittleEndian.Uint32(t.bytes[at:]))))
		case "I16":
			out = append(out, float64(int16(binary.LittleEndian.Uint16(t.bytes[at:]))))
		}
	}
	return out
}

func (t tensor) singles() []float32 {
	var out []float32
	for _, value := range t.numbers() {
		out = append(out, float32(value))
	}
	return out
}

// read reads a safetensors file, and the texts of its metadata.
func read(t *testing.T, path string) (map[string]tensor, map[string]string) {
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := 8 + binary.LittleEndian.Uint64(raw)
	header := map[string]json.RawMessage{}
	if err := json.Unmarshal(raw[8:end], &header); err != nil {
		t.Fatal(err)
	}
	tensors, metadata := map[string]tensor{}, map[string]string{}
	for name, value := range header {
		if name == "__metadata__" {
			err = json.Unmarshal(value, &metadata)
		} else {
			var one tensor
			err = json.Unmarshal(value, &one)
			one.bytes = raw[int(end)+one.Offsets[0] : int(end)+one.Offsets[1]]
			tensors[name] = one
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return tensors, metadata
}

type port func(inputs []tensor) []float32

// hold computes every probe of a case and holds it to its budget: README.md of the kit has the formula.
func hold(t *testing.T, name string, compute port) {
	folder := filepath.Join(os.Getenv("KIT"), name)
	inputs, _ := read(t, filepath.Join(folder, "inputs.safetensors"))
	expected, _ := read(t, filepath.Join(folder, "expected.safetensors"))
	bands, metadata := read(t, filepath.Join(folder, "bands.f32.safetensors"))
	budgets := map[string][]float64{}
	if err := json.Unmarshal([]byte(metadata["budgets"]), &budgets); err != nil {
		t.Fatal(err)
	}
	for tap, budget := range budgets {
		t.Run(tap, func(t *testing.T) {
			var given []tensor
			for i := 0; ; i++ {
				one, ok := inputs[fmt.Sprintf("%s/%d", tap, i)]
				if !ok {
					break
				}
				given = append(given, one)
			}
			truth, ok := bands["truth/"+tap]
			if !ok {
				truth = expected["f64/"+tap]
			}
			found, scale, sum, most := compute(given), bands["scale/"+tap].numbers(), 0.0, 0.0
			for i, right := range truth.numbers() {
				value := float64(found[i])
				if value == right || (math.IsNaN(value) && math.IsNaN(right)) {
					continue
				}
				share := math.Abs(value-right) / math.Exp2(scale[i]/16)
				if math.IsNaN(share) {
					share = math.Inf(1)
				}
				sum, most = sum+share*share, math.Max(most, share)
			}
			rms := math.Sqrt(sum / math.Max(1, float64(len(scale))))
			if share := math.Max(rms/budget[0], most/budget[1]); !(share <= 1) {
				t.Errorf("%.0f %% of the budget", 100*share)
			}
		})
	}
}

func softmax(inputs []tensor) []float32 {
	x, size := inputs[0].singles(), inputs[0].Shape[len(inputs[0].Shape)-1]
	for start := 0; start < len(x); start += size {
		row, top, total := x[start:start+size], float32(math.Inf(-1)), float32(0)
		for _, value := range row {
			top = max(top, value)
		}
		for i, value := range row {
			row[i] = float32(math.Exp(float64(value - top)))
			total += row[i]
		}
		for i := range row {
			row[i] /= total
		}
	}
	return x
}

func linear(inputs []tensor) []float32 {
	x, weight := inputs[0].singles(), inputs[1].singles()
	rows, channels := inputs[1].Shape[0], inputs[1].Shape[1]
	var out []float32
	for start := 0; start < len(x); start += channels {
		for row := 0; row < rows; row++ {
			var sum float32
			for c := 0; c < channels; c++ {
				sum += x[start+c] * weight[row*channels+c]
			}
			if len(inputs) > 2 {
				sum += inputs[2].singles()[row]
			}
			out = append(out, sum)
		}
	}
	return out
}

func TestSoftmax(t *testing.T) { hold(t, "operations/softmax", softmax) }
func TestLinear(t *testing.T)  { hold(t, "operations/linear", linear) }

// A softmax that adds up to 1.00001: the oracle must see it.
func TestSeesAMistake(t *testing.T) {
	if os.Getenv("MISTAKE") == "" {
		t.Skip("run.sh runs it by itself, and wants it to fail")
	}
	hold(t, "operations/softmax", func(inputs []tensor) []float32 {
		y := softmax(inputs)
		for i := range y {
			y[i] *= 1.00001
		}
		return y
	})
}
