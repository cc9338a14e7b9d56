/* The first process of the machine that emulate_avx512.sh boots: runs /test with the arguments in /args (each ended by a zero byte),
 * its output on the second serial line; tells its exit status on the first one and switches the machine off. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

int main(void)
{
    static char text[1 << 16], *arguments[4096];
    struct termios raw;
    int count = 0, status = 0;
    mount("dev", "/dev", "devtmpfs", 0, 0);
    mount("proc", "/proc", "proc", 0, 0);
    mount("tmp", "/tmp", "tmpfs", 0, 0);
    int console = open("/dev/ttyS0", O_WRONLY | O_NOCTTY), output = open("/dev/ttyS1", O_RDWR | O_NOCTTY);
    ssize_t length = read(open("/args", O_RDONLY | O_CLOEXEC), text, sizeof text - 1);
    for (char *p = text; p < text + length && count < 4095; p++)
        for (arguments[count++] = p; *p; p++)
            ;
    tcgetattr(output, &raw);
    cfmakeraw(&raw);
    cfsetspeed(&raw, B115200);
    tcsetattr(output, TCSANOW, &raw);
    pid_t program = fork();
    if (program == 0) {
        dup2(open("/dev/null", O_RDONLY), 0);
        dup2(output, 1);
        dup2(output, 2);
        execv("/test", arguments);
        perror("/test");
        _exit(127);
    }
    while (wait(&status) != program)
        ;
    tcdrain(output);
    dprintf(console, "\nEXIT STATUS %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    tcdrain(console);
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}
