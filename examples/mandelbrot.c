/* mandelbrot.c - a loop whose rows take very different times, drawn into a PNG file.
 *   mandelbrot [FILE]    default: mandelbrot.png */
#include <executor/executor.h>
#include <png.h>
#include <stdio.h>
#include <string.h>

enum { WIDTH = 1200, HEIGHT = 800, LIMIT = 1000 };

static png_byte picture[HEIGHT][WIDTH];

static int iterations(double cx, double cy)
{
        double x = 0, y = 0;
        int n = 0;

        for (; n < LIMIT && x * x + y * y < 4; n++) {
                double next = x * x - y * y + cx;

                y = 2 * x * y + cy;
                x = next;
        }
        return n;
}

static int draw_row(size_t row, void *arg)
{
        (void)arg;
        for (int column = 0; column < WIDTH; column++) {
                int n = iterations(-2.2 + 3.2 * column / WIDTH, -1.1 + 2.2 * (double)row / HEIGHT);

                picture[row][column] = (png_byte)(n == LIMIT ? 0 : 255 - n % 200);
        }
        return 0;
}

static int program(void *arg, void **value)
{
        (void)arg, (void)value;
        return exec_parallel_for_each(NULL, 0, HEIGHT, 0, draw_row, NULL); /* NULL: from here; 0: choose the grain */
}

int main(int argc, char **argv)
{
        const char *file = argc > 1 ? argv[1] : "mandelbrot.png";
        png_image image = {.version = PNG_IMAGE_VERSION, .width = WIDTH, .height = HEIGHT, .format = PNG_FORMAT_GRAY};
        int err = exec_run(program, NULL, NULL);

        if (!err && !png_image_write_to_file(&image, file, 0, picture, WIDTH, NULL))
                err = -EIO;
        printf("%s: %s\n", file, err ? strerror(-err) : "drawn");
        return err != 0;
}
